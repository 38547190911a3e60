/**
 * An HTTP server that speaks DigitalOcean's API v2 as strictly as the real one, for one account in memory. What it does
 * not know it refuses, so a client that asks for something else fails here and not in the cloud.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Faults } from '../clouds/faults.ts';
import { ApiError, badRequest, forbidden, notFound, unauthorized, unprocessable } from './api-error.ts';
import { checkedBody, checkQuery, type BodyShape } from './checked-fields.ts';
import { DigitalOceanModel, USUAL_ACCOUNT, type DigitalOceanOptions } from './model.ts';
import { OTHER_ROUTES } from './other-routes.ts';
import { ROUTES, type Route } from './routes.ts';

export interface ReceivedCall {
  /** `droplets.create`, `dropletActions.snapshot`. */
  operation: string;
  /** As HTTP has it. */
  verb: string;
  path: string;
  /** 0: it was never answered. */
  status: number;
}

export interface DigitalOceanServer {
  model: DigitalOceanModel;
  faults: Faults;
  /** Every request in the order in which it came. */
  calls: ReceivedCall[];
  /** `http://127.0.0.1:PORT`; paths below it begin with `/v2`. */
  endpoint: string;
  token: string;
  countOf: (operation: string) => number;
  close: () => Promise<void>;
}

export async function startDigitalOceanServer(
  options: Partial<DigitalOceanOptions> = {},
  port = 0,
): Promise<DigitalOceanServer> {
  const model = new DigitalOceanModel({ ...USUAL_ACCOUNT, ...options });
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
    token: model.options.token ?? 'any',
    countOf: (operation) => calls.filter((call) => call.operation === operation).length,
    close: () => closed(server, model),
  };
}

async function closed(server: Server, model: DigitalOceanModel): Promise<void> {
  model.close();
  const done = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await done;
}

interface Inside {
  model: DigitalOceanModel;
  faults: Faults;
  calls: ReceivedCall[];
}

async function answer(inside: Inside, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { model, faults } = inside;
  const url = new URL(request.url ?? '/', `http://${request.headers.host ?? 'localhost'}`);
  const call: ReceivedCall = { operation: 'unknown', verb: request.method ?? '', path: url.pathname, status: 0 };
  inside.calls.push(call);
  const requestId = randomUUID();
  const send = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void => {
    call.status = status;
    const limits = { ...model.rateLimit.headers(), 'x-request-id': requestId };
    response.writeHead(status, { ...limits, 'content-type': 'application/json; charset=utf-8', ...headers });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  };
  try {
    const written = await text(request);
    const { route, params } = routeOf(request.method ?? '', url.pathname);
    const shape = shapeOf(route, written, call);
    const fault = faults.take(call.operation, url.pathname);
    if (fault?.kind === 'resetBefore') return void request.socket.destroy();
    if (fault?.kind === 'answer') throw new ApiError(fault.status, fault.reason, fault.message, fault.headers);
    checkBearer(request, model);
    model.rateLimit.count();
    if (model.denied.has(call.operation)) throw forbidden();
    checkQuery(url.searchParams, route.query);
    const body = shape === undefined ? nothing(written) : checkedBody(jsonOf(request, written), shape);
    const result = route.run({ model, params, url, body });
    if (fault?.kind === 'resetAfter') return void request.socket.destroy();
    if (fault?.kind === 'silence') return;
    send(route.status, result);
  } catch (error) {
    const known = error instanceof ApiError ? error : new ApiError(500, 'server_error', `a bug: ${String(error)}`);
    send(known.status, known.body(requestId), known.headers);
  }
}

function checkBearer(request: IncomingMessage, { options }: DigitalOceanModel): void {
  const given = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (given === undefined || (options.token !== null && given !== options.token)) throw unauthorized();
}

/** The shape of its body; where that is an action, the call is named after it. */
function shapeOf(route: Route, written: string, call: ReceivedCall): BodyShape | undefined {
  call.operation = route.operation;
  if (route.actions === undefined) return route.body;
  const type = /"type"\s*:\s*"(\w+)"/.exec(written)?.[1] ?? '';
  const shape = route.actions[type];
  if (shape === undefined) throw unprocessable(`type: '${type}' is no action that can be asked for`);
  call.operation = `${route.operation}.${type}`;
  return shape;
}

function jsonOf(request: IncomingMessage, written: string): string {
  if (/^application\/json\b/.test(request.headers['content-type'] ?? '')) return written;
  throw badRequest('content-type: must be application/json');
}

function nothing(written: string): Record<string, unknown> {
  if (written !== '') throw badRequest('this request takes no body');
  return {};
}

function routeOf(verb: string, pathname: string): { route: Route; params: Record<string, string> } {
  for (const route of [...ROUTES, ...OTHER_ROUTES]) {
    if (route.verb !== verb) continue;
    const params = matched(`/v2/${route.path}`, pathname);
    if (params !== undefined) return { route, params };
  }
  throw notFound();
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
