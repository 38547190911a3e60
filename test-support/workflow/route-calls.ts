/** A right request for every route of the API, so that suites can drive them all. */
import type { Route } from '../../api/http/route.ts';
import { ROUTES } from '../../api/routes.ts';

/** What a route takes besides the name of a VM in its path. */
const BODIES: Record<string, object> = {
  createVm: { template: 'chat' },
  holdVm: { seconds: 30 },
  snapshotVm: {},
  setConnections: { connections: 1 },
  createLink: { port: 8080 },
  putTemplate: { spec: { image: 'vm-server' } },
  exchangeAgentSecret: { secret: 'none', nonce: 'a-nonce-of-mine' },
  signIn: { key: 'none' },
  joinHost: {
    ...{ hostId: 'host-of-tests', hostKey: '0'.repeat(64) },
    endpoint: { publicKey: 'AAAA', signature: 'AAAA' },
  },
  createKey: { project: 'default', role: 'viewer' },
  rotateKey: {},
  createWebhook: { url: 'https://127.0.0.2/' },
  redeliverEvent: { eventId: 'no-such-life.1' },
  runCommand: { command: ['true'] },
  reportUsage: { sequence: 1, connections: 0, ready: true, calmMs: 0, forwarded: null },
};

/** What a query must have. */
const QUERIES: Record<string, string> = {
  readFiles: '?path=/',
  writeFiles: '?path=/',
  watchEvents: '?timeoutSeconds=1',
};

export interface RouteCall {
  route: Route;
  method: string;
  /** The path for a VM, or for a host, key or request that does not exist. */
  path: (vm: string) => string;
  body?: object;
}

/** Of what is in no deployment. */
const unknownId = ({ path }: Route): string => {
  if (path.startsWith('/v1/webhooks')) return `wh-${'0'.repeat(16)}`;
  return path.startsWith('/v1/requests') ? `no-such-name.${'0'.repeat(20)}` : 'no-such-host';
};

export const ROUTE_CALLS: readonly RouteCall[] = ROUTES.map((route) => {
  const body = BODIES[route.operationId];
  return {
    route,
    method: route.method.toUpperCase(),
    path: (vm) =>
      route.path
        .replace('{name}', vm)
        .replace('{template}', vm)
        .replace('{port}', '8080')
        .replace('{id}', unknownId(route)) + (QUERIES[route.operationId] ?? ''),
    ...(body === undefined ? {} : { body }),
  };
});
