/**
 * An HTTP server that speaks Compute Engine v1 REST as strictly as the real one, for one project in memory. What it
 * does not know it refuses, so a client that asks for something else fails here and not in the cloud.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { ApiError, notFound } from './api-error.ts';
import { checkBody, type BodyType } from './checked-fields.ts';
import { Faults } from '../clouds/faults.ts';
import { ROUTES, type Route } from './routes.ts';
import { CloudModel, type CloudModelOptions } from './model.ts';

export interface ReceivedCall {
  /** `instances.insert`. */
  method: string;
  path: string;
  status: number;
}

export interface GceServer {
  model: CloudModel;
  faults: Faults;
  /** Every request in the order in which it came. */
  calls: ReceivedCall[];
  /** `http://127.0.0.1:PORT`. */
  endpoint: string;
  countOf: (method: string) => number;
  close: () => Promise<void>;
}

export const DEFAULT_WORLD: CloudModelOptions = {
  project: 'test-project',
  zones: ['us-central1-a', 'us-central1-b', 'europe-west1-b'],
  stepMs: 15,
  waitLimitMs: 120_000,
};

/** Parameters that every method takes. */
const COMMON_QUERY = ['alt', '$alt', 'prettyPrint', '$prettyPrint', 'key', 'fields', 'quotaUser', 'userIp'];

export async function startGceServer(options: Partial<CloudModelOptions> = {}, port = 0): Promise<GceServer> {
  const model = new CloudModel({ ...DEFAULT_WORLD, ...options });
  const faults = new Faults();
  const calls: ReceivedCall[] = [];
  const server = createServer((request, response) => {
    void answer({ model, faults, calls }, request, response);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    model,
    faults,
    calls,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    countOf: (method) => calls.filter((call) => call.method === method).length,
    close: () => closed(server, model),
  };
}

async function closed(server: Server, model: CloudModel): Promise<void> {
  model.engine.close();
  const done = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await done;
}

interface Inside {
  model: CloudModel;
  faults: Faults;
  calls: ReceivedCall[];
}

async function answer(inside: Inside, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const call: ReceivedCall = { method: 'unknown', path: url.pathname, status: 0 };
  inside.calls.push(call);
  const send = (status: number, body: unknown): void => {
    call.status = status;
    response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' });
    response.end(JSON.stringify(body));
  };
  try {
    const written = await text(request);
    // The one call that is not of Compute Engine but of Resource Manager.
    if (/^\/v1\/projects\/[^/]+:testIamPermissions$/.test(url.pathname)) {
      call.method = 'testIamPermissions';
      const asked = (JSON.parse(written) as { permissions: string[] }).permissions;
      const permissions = asked.filter((permission) => !inside.model.denied.has(permission));
      send(200, permissions.length > 0 ? { permissions } : {});
      return;
    }
    const { route, params } = routeOf(request.method ?? '', url.pathname);
    call.method = route.method;
    const fault = inside.faults.take(route.method, url.pathname);
    if (fault?.kind === 'resetBefore') return void request.socket.destroy();
    if (fault?.kind === 'answer') throw new ApiError(fault.status, fault.reason, fault.message);
    checkQuery(url.searchParams, route);
    const body = route.body === undefined ? undefined : parseBody(written, route.body);
    const requestId = url.searchParams.get('requestId');
    checkProject(inside.model, params['project'] ?? '', route);
    const result = await route.run({ model: inside.model, params, query: url.searchParams, body, requestId });
    if (fault?.kind === 'resetAfter') return void request.socket.destroy();
    if (fault?.kind === 'silence') return;
    send(200, result);
  } catch (error) {
    const known = error instanceof ApiError ? error : new ApiError(500, 'backendError', `a bug: ${String(error)}`);
    send(known.status, known.body());
  }
}

function routeOf(verb: string, pathname: string): { route: Route; params: Record<string, string> } {
  for (const route of ROUTES) {
    if (route.verb !== verb) continue;
    const base = '/compute/v1/projects/{project}';
    const params = matched(route.path === '' ? base : `${base}/${route.path}`, pathname);
    if (params !== undefined) return { route, params };
  }
  throw new ApiError(404, 'notFound', `There is no ${verb} ${pathname}`);
}

function matched(pattern: string, pathname: string): Record<string, string> | undefined {
  const [wanted, got] = [pattern.split('/'), pathname.split('/')];
  if (wanted.length !== got.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = decodeURIComponent(got[index] ?? '');
    if (part.startsWith('{')) params[part.slice(1, -1)] = value;
    else if (part !== value) return undefined;
  }
  return params;
}

function checkQuery(query: URLSearchParams, route: Route): void {
  for (const name of query.keys()) {
    if (name === '' || route.query.includes(name) || COMMON_QUERY.includes(name)) continue;
    const message = `Invalid JSON payload received. Unknown name "${name}": Cannot bind query parameter.`;
    throw new ApiError(400, 'badRequest', message);
  }
}

function checkProject(model: CloudModel, project: string, route: Route): void {
  if (project === model.options.project || route.method.startsWith('images.get')) return;
  throw notFound(`projects/${project}`);
}

function parseBody(written: string, type: BodyType): unknown {
  let body: unknown;
  try {
    body = JSON.parse(written);
  } catch {
    throw new ApiError(400, 'parseError', 'Parse Error');
  }
  checkBody(body, type);
  return body;
}
