/** Who may come in: the key or token of a request, its role, and how much its owner may ask. */
import type { ApiKeyHolder } from '../../../security/keys/api-keys.ts';
import type { ApiContext } from '../../api-context.ts';
import { sessionOf } from '../../browser/session-holder.ts';
import { isMutation, type Attempt } from '../log/audit.ts';
import { identify, requireRole } from '../authenticate.ts';
import { tokenRefused } from '../errors/problem.ts';
import type { Route } from '../route.ts';

/** Who asks, and until when by a session of a browser (epoch ms). */
export interface Admitted {
  holder: ApiKeyHolder;
  expiresAt?: number;
}

type Presented = Pick<Attempt, 'bearer' | 'remoteAddress' | 'browser'> & { isUpgrade: boolean };

/** Whose key a request has; undefined for routes without one. @throws ApiProblem for a request that is not let in. */
export function admit(
  route: Route,
  api: ApiContext,
  { bearer, remoteAddress, browser, isUpgrade }: Presented,
): Admitted | undefined {
  const now = api.now();
  switch (route.access) {
    case 'public':
      if (route.limitsItself !== true) api.requestLimits.takeOpen(remoteAddress, now);
      route.admits?.({ bearer, remoteAddress }, api);
      return undefined;
    case 'agent':
      refuseUnknown(api, bearer, remoteAddress);
      return undefined;
    case 'viewer':
    case 'operator':
    case 'admin': {
      // The key first: its check is one hash, and what others at this address do is no reason to refuse it.
      const holder = api.keys.verify(bearer);
      if (holder !== undefined) return { holder };
      try {
        // Any page may open a WebSocket with the cookies of its browser, and can send no proof with it.
        const session = bearer !== undefined || isUpgrade ? undefined : sessionOf(api, browser);
        return session ?? { holder: identify(api.keys, bearer) };
      } catch (error) {
        api.requestLimits.takeWrongKey(remoteAddress, now);
        throw error;
      }
    }
  }
}

/** Whether this key may use this route now. @throws ApiProblem `forbidden` or `rateLimited`. */
export function admitHolder(route: Route, api: ApiContext, holder: ApiKeyHolder): void {
  api.requestLimits.takeKeyed(holder, isMutation(route), api.now());
  if (route.access !== 'public' && route.access !== 'agent') requireRole(holder, route.access);
}

/** Whether what let a request in would let it in now. */
export function stillLetsIn(
  { keys, now }: Pick<ApiContext, 'keys' | 'now'>,
  { holder, expiresAt = Infinity }: Admitted,
  bearer: string | undefined,
): boolean {
  const standing = bearer === undefined ? keys.holder(holder.id) : keys.verify(bearer);
  const isSame = standing?.id === holder.id && standing.role === holder.role && standing.project === holder.project;
  return isSame && expiresAt > now();
}

/** A caller without a token of ours learns nothing, not even what a right body would be. */
function refuseUnknown(api: ApiContext, bearer: string | undefined, remoteAddress: string): void {
  const now = api.now();
  if (api.agentTokens.verifyRenewable(bearer, now) !== undefined) return;
  api.requestLimits.takeRefusedAgent(remoteAddress, now);
  throw tokenRefused('The report token is missing or not valid');
}
