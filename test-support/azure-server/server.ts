/**
 * An HTTP server that speaks Azure Resource Manager as strictly as the real one, for one subscription with one resource group in
 * memory. What it does not know it refuses, so a client that asks for something else fails here and not in the cloud.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Faults } from '../clouds/faults.ts';
import type { CloudGuests } from '../clouds/guests.ts';
import { ArmError } from './arm-error.ts';
import { checkBody } from './checked-fields.ts';
import { COMPUTE_ROUTES, consoleOf } from './compute-routes.ts';
import { AzureModel } from './model.ts';
import { operationHeaders } from './operation-routes.ts';
import { OTHER_ROUTES } from './other-routes.ts';
import type { Route } from './routes.ts';
import type { Answer } from './store.ts';

export interface AzureServerOptions {
  guests?: CloudGuests;
  /** How long a step of an operation takes. */
  stepMs?: number;
  subscription?: string;
  resourceGroup?: string;
  /** The first is where tests make machines. */
  locations?: readonly string[];
  /** Of each location. */
  zones?: readonly string[];
  /** The only token that is taken; without it any one is, and none is needed. */
  token?: string;
  port?: number;
}

export interface ReceivedCall {
  /** `virtualMachines.createOrUpdate`. */
  method: string;
  path: string;
  status: number;
}

export interface AzureServer {
  model: AzureModel;
  faults: Faults;
  /** Every request in the order in which it came. */
  calls: ReceivedCall[];
  /** `http://127.0.0.1:PORT`. */
  endpoint: string;
  subscription: string;
  resourceGroup: string;
  /** In the first location. */
  subnetId: string;
  countOf: (method: string) => number;
  close: () => Promise<void>;
}

const ROUTES: readonly Route[] = [...COMPUTE_ROUTES, ...OTHER_ROUTES];

export async function startAzureServer(options: AzureServerOptions = {}): Promise<AzureServer> {
  const { guests, token } = options;
  const model = new AzureModel({
    subscription: options.subscription ?? '11111111-2222-3333-4444-555555555555',
    resourceGroup: options.resourceGroup ?? 'ephemera',
    locations: options.locations ?? ['westeurope', 'northeurope'],
    zones: options.zones ?? ['1', '2', '3'],
    stepMs: options.stepMs ?? 15,
    ...(guests === undefined ? {} : { guests }),
  });
  const faults = new Faults();
  const calls: ReceivedCall[] = [];
  const inside: Inside = { model, faults, calls, token };
  const server = createServer((request, response) => void answer(inside, request, response));
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return {
    model,
    faults,
    calls,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    subscription: model.options.subscription,
    resourceGroup: model.options.resourceGroup,
    subnetId: model.subnetIds.get(model.options.locations[0] ?? '') ?? '',
    countOf: (method) => calls.filter((call) => call.method === method).length,
    close: async () => {
      model.store.engine.close();
      const done = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await done;
    },
  };
}

interface Inside {
  model: AzureModel;
  faults: Faults;
  calls: ReceivedCall[];
  token: string | undefined;
}

async function answer(inside: Inside, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const base = `http://${request.headers.host ?? ''}`;
  const url = new URL(request.url ?? '/', base);
  const call: ReceivedCall = { method: 'unknown', path: url.pathname, status: 0 };
  inside.calls.push(call);
  const headers: Record<string, string> = { 'x-ms-request-id': randomUUID() };
  const send = (status: number, body: unknown, more: Readonly<Record<string, string>> = {}): void => {
    call.status = status;
    const type = body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' };
    response.writeHead(status, { ...headers, ...type, ...more });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  };
  try {
    const written = await text(request);
    if (url.pathname.startsWith('/consoles/')) {
      sendConsole(inside, url, response);
      return;
    }
    checkToken(inside, request);
    const { route, params } = routeOf(inside.model, request.method ?? '', url.pathname);
    call.method = route.method;
    const fault = inside.faults.take(route.method, url.pathname);
    if (fault?.kind === 'resetBefore') return void request.socket.destroy();
    if (fault?.kind === 'answer') {
      throw new ArmError(fault.status, fault.reason, fault.message, fault.headers ? { headers: fault.headers } : {});
    }
    Object.assign(headers, inside.model.throttle.takeOfSubscription(route.verb));
    checkQuery(url.searchParams, route);
    if (route.action !== undefined) inside.model.store.require(route.action, url.pathname);
    if (route.counted !== undefined) Object.assign(headers, inside.model.throttle.takeOfCompute(route.counted));
    const body = route.body === undefined ? undefined : checkBody(parsed(written, request), route.body, route.method);
    const routeCall = { model: inside.model, params, query: url.searchParams, headers: request.headers, body, base };
    const result = route.run(routeCall);
    if (fault?.kind === 'resetAfter') return void request.socket.destroy();
    if (fault?.kind === 'silence') return;
    send(result.status, result.body, headersOf(result, operationHeaders(result, routeCall)));
  } catch (error) {
    const known =
      error instanceof ArmError ? error : new ArmError(500, 'InternalServerError', `a bug: ${String(error)}`);
    send(known.status, known.body(), known.options.headers);
  }
}

function headersOf({ headers, body }: Answer, more: Record<string, string>): Record<string, string> {
  const { etag } = (body ?? {}) as { etag?: string };
  return { ...headers, ...more, ...(etag === undefined ? {} : { etag }) };
}

/** The address of a console carries what opens it, so no token is sent. */
function sendConsole({ model }: Inside, url: URL, response: ServerResponse): void {
  const console = consoleOf({ model }, url.pathname.split('/').at(-1) ?? '');
  const isKnown = console !== undefined && url.searchParams.get('sig') === 'played';
  response.writeHead(isKnown ? 200 : 404, { 'content-type': 'text/plain' });
  response.end(console);
}

function checkToken({ token }: Inside, { headers }: IncomingMessage): void {
  const given = headers.authorization;
  if (token === undefined && (given === undefined || given.startsWith('Bearer '))) return;
  if (token !== undefined && given === `Bearer ${token}`) return;
  const [code, message] =
    given === undefined
      ? ['AuthenticationFailed', "Authentication failed. The 'Authorization' header is missing."]
      : ['InvalidAuthenticationToken', 'The access token is invalid.'];
  throw new ArmError(401, code, message, { headers: { 'www-authenticate': 'Bearer' } });
}

function routeOf(model: AzureModel, verb: string, pathname: string): { route: Route; params: Record<string, string> } {
  const parts = pathname.split('/').slice(1).map(decodeURIComponent);
  const [subscriptions = '', subscription = '', ...below] = parts;
  if (subscriptions.toLowerCase() !== 'subscriptions' || subscription.toLowerCase() !== model.options.subscription) {
    throw new ArmError(404, 'SubscriptionNotFound', `The subscription '${subscription}' could not be found.`);
  }
  const fitting = ROUTES.flatMap((route) => {
    const params = matched(route.path, below);
    return params === undefined ? [] : [{ route, params }];
  });
  const group = below[0]?.toLowerCase() === 'resourcegroups' ? below[1] : undefined;
  if (group !== undefined && group.toLowerCase() !== model.options.resourceGroup.toLowerCase()) {
    throw new ArmError(404, 'ResourceGroupNotFound', `Resource group '${group}' could not be found.`);
  }
  const found = fitting.find(({ route }) => route.verb === verb);
  if (found !== undefined) return found;
  const message = `The requested resource does not support http method '${verb}': ${pathname}`;
  throw fitting.length > 0
    ? new ArmError(405, 'HttpMethodNotAllowed', message)
    : new ArmError(404, 'InvalidResourceType', `The resource type could not be found: ${pathname}`);
}

function matched(pattern: string, got: readonly string[]): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  if (wanted.length !== got.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = got[index] ?? '';
    if (part.startsWith('{')) params[part.slice(1, -1)] = value;
    else if (part.toLowerCase() !== value.toLowerCase()) return undefined;
  }
  return params;
}

function checkQuery(query: URLSearchParams, route: Route): void {
  const version = query.get('api-version');
  if (version === null) {
    const message = 'The api-version query parameter (?api-version=) is required for all requests.';
    throw new ArmError(400, 'MissingApiVersionParameter', message);
  }
  if (!route.versions.includes(version)) {
    const message = `No registered resource provider found for API version '${version}' of ${route.method}. The supported api-versions are '${route.versions.join(', ')}'.`;
    throw new ArmError(400, 'NoRegisteredProviderFound', message);
  }
  for (const name of query.keys()) {
    if (name === 'api-version' || route.query?.includes(name) === true) continue;
    throw new ArmError(400, 'InvalidParameter', `The query parameter '${name}' is not known.`, { target: name });
  }
}

function parsed(written: string, { headers }: IncomingMessage): unknown {
  if (headers['content-type']?.startsWith('application/json') !== true) {
    throw new ArmError(415, 'UnsupportedMediaType', 'The content media type is not supported. Use application/json.');
  }
  try {
    return JSON.parse(written);
  } catch {
    throw new ArmError(400, 'InvalidRequestContent', 'The request content was invalid and could not be deserialized.');
  }
}
