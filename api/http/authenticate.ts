import type { ApiKeyHolder, ApiKeyStore } from '../../security/keys/api-keys.ts';
import type { Role } from '../../security/keys/keys-file.ts';
import { ApiProblem } from './errors/problem.ts';

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

/** Whatever knows whose key a token is. */
export type KeyVerifier = Pick<ApiKeyStore, 'verify' | 'ended'>;

/** The token of `Authorization: Bearer <token>`. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +([\x21-\x7e]{1,4096}) *$/i.exec(header ?? '')?.[1];
}

/** Whose key the token is. @throws ApiProblem `unauthenticated`. */
export function identify(keys: KeyVerifier, token: string | undefined): ApiKeyHolder {
  const holder = token === undefined ? undefined : keys.verify(token);
  if (holder !== undefined) return holder;
  const ended = keys.ended(token);
  const unknown = token === undefined ? 'The request has no API key' : 'The API key is not known';
  const detail = ended === undefined ? unknown : `The API key ${ended.holder.id} is ${ended.why}`;
  throw new ApiProblem('unauthenticated', detail, { headers: { 'www-authenticate': 'Bearer' } });
}

/** @throws ApiProblem `forbidden`. */
export function requireRole(holder: ApiKeyHolder, needed: Role): void {
  if (RANK[holder.role] >= RANK[needed]) return;
  throw new ApiProblem('forbidden', `This needs a key with the role ${needed}; this one is ${holder.role}`, {
    named: needed,
  });
}
