/** A right request for every route of the API, so that suites can drive them all. */
import type { Route } from '../../api/http/route.ts';
import { ROUTES } from '../../api/routes.ts';

/** What a route takes besides the name of a VM in its path. */
const BODIES: Record<string, object> = {
  createVm: { template: 'chat' },
  holdVm: { seconds: 30 },
  exchangeAgentSecret: { secret: 'none', nonce: 'a-nonce-of-mine' },
  reportUsage: { sequence: 1, connections: 0, ready: true, calmMs: 0, forwarded: null },
};

export interface RouteCall {
  route: Route;
  method: string;
  /** The path for a VM. */
  path: (vm: string) => string;
  body?: object;
}

export const ROUTE_CALLS: readonly RouteCall[] = ROUTES.map((route) => {
  const body = BODIES[route.operationId];
  return {
    route,
    method: route.method.toUpperCase(),
    path: (vm) => route.path.replace('{name}', vm),
    ...(body === undefined ? {} : { body }),
  };
});
