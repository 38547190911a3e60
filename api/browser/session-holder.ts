import type { ApiKeyHolder } from '../../security/keys/api-keys.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import type { BrowserRequest } from './browser-request.ts';

/** Who signed in, and until when (epoch ms). */
export interface BrowserSession {
  holder: ApiKeyHolder;
  expiresAt: number;
}

/**
 * The session of a request without a key; undefined: it has no cookie of ours.
 * @throws ApiProblem `sessionRefused` for one that must not be used so, or has ended.
 */
export function sessionOf(
  { browserSessions, keys, now }: Pick<ApiContext, 'browserSessions' | 'keys' | 'now'>,
  { cookies, proof, isOfOwnPage }: BrowserRequest,
): BrowserSession | undefined {
  if (cookies.length === 0) return undefined;
  if (!isOfOwnPage) throw refused('The request comes from another page than that of this API');
  if (proof === undefined) throw refused('A session needs the header X-Ephemera-Session, which the sign-in answered');
  for (const cookie of cookies) {
    const claims = browserSessions.verify({ cookie, proof }, now());
    const standing = claims && keys.standing(claims.keyId);
    if (claims === undefined || standing?.fingerprint !== claims.fingerprint) continue;
    return { holder: standing.holder, expiresAt: claims.expiresAt };
  }
  throw refused('The session has ended, or its key was revoked or rotated');
}

export function refused(detail: string): ApiProblem {
  return new ApiProblem('sessionRefused', detail, { headers: { 'www-authenticate': 'Bearer' } });
}
