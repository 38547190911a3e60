import type { ApiKeyHolder, Role } from '../../config/api-keys.ts';
import { ApiProblem } from './problem.ts';

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

/** Whatever knows whose key a token is. */
export interface KeyVerifier {
  verify: (token: string) => ApiKeyHolder | undefined;
}

/** The token of `Authorization: Bearer <token>`. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +([\x21-\x7e]{1,4096}) *$/i.exec(header ?? '')?.[1];
}

/** @throws ApiProblem `unauthenticated` or `forbidden`. */
export function authenticate(keys: KeyVerifier, token: string | undefined, needed: Role): ApiKeyHolder {
  const holder = token === undefined ? undefined : keys.verify(token);
  if (holder === undefined) {
    const detail = token === undefined ? 'The request has no API key' : 'The API key is not known';
    throw new ApiProblem('unauthenticated', detail, { headers: { 'www-authenticate': 'Bearer' } });
  }
  if (RANK[holder.role] < RANK[needed]) {
    throw new ApiProblem('forbidden', `This needs a key with the role ${needed}; this one is ${holder.role}`);
  }
  return holder;
}
