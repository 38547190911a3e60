import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import type { ApiContext } from '../api-context.ts';
import { bearerToken, identify, requireRole } from './authenticate.ts';
import { ApiProblem, tokenRefused } from './problem.ts';
import type { Reply, Route, UncheckedRequest } from './route.ts';
import { typedQuery, validate } from './validate.ts';

export const MAX_BODY_BYTES = 256 * 1024;

const parseJson: RequestHandler = express.json({ limit: MAX_BODY_BYTES, strict: false, type: () => true });

/** Mounts every route, and on each path a 405 for the methods that it does not take. */
export function mountRoutes(app: Express, routes: readonly Route[], api: ApiContext): void {
  for (const path of new Set(routes.map((route) => route.path))) {
    const onPath = routes.filter((route) => route.path === path);
    const mounted = app.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    for (const route of onPath) mounted[route.method](handler(route, api));
    mounted.all((request) => {
      throw methodNotAllowed(request.method, onPath);
    });
  }
}

function methodNotAllowed(method: string, routes: readonly Route[]): ApiProblem {
  const methods = routes.flatMap((route) => (route.method === 'get' ? ['GET', 'HEAD'] : [route.method.toUpperCase()]));
  const allow = methods.join(', ');
  return new ApiProblem('methodNotAllowed', `${method} is not one of ${allow}`, { headers: { allow } });
}

function handler(route: Route, api: ApiContext): RequestHandler {
  return async (request, response) => {
    const bearer = bearerToken(request.get('authorization'));
    const needed = route.access === 'public' || route.access === 'agent' ? undefined : route.access;
    const caller = needed === undefined ? undefined : identify(api.keys, bearer);
    if (caller !== undefined) Object.assign(response.locals, { keyId: caller.id, project: caller.project });
    if (caller !== undefined && needed !== undefined) requireRole(caller, needed);
    if (route.access === 'agent') refuseStrangers(api, bearer);
    const body = route.body === undefined ? undefined : await readJson(request, response);
    const input: UncheckedRequest = {
      ...validated(route, request, body),
      requestId: String(response.locals['requestId']),
      bearer,
      caller,
      remoteAddress: request.socket.remoteAddress ?? '',
      gone: api.openRequests.signalFor(response),
    };
    send(response, await route.handle(input, api));
  };
}

/** A caller without a token of ours learns nothing, not even what a right body would be. */
function refuseStrangers(api: ApiContext, bearer: string | undefined): void {
  if (api.agentTokens.verify('report', bearer, api.now()) === undefined) {
    throw tokenRefused('The report token is missing, not valid or expired');
  }
}

function validated(route: Route, request: Request, body: unknown) {
  const query = new URLSearchParams(request.url.split('?').slice(1).join('?'));
  return {
    params: route.params && validate(route.params, request.params, 'path'),
    query: route.query && validate(route.query, typedQuery(route.query, query), 'query'),
    headers: route.headers && validate(route.headers, request.headers, 'header'),
    body: route.body && validate(route.body, body, 'body'),
  };
}

async function readJson(request: Request, response: Response): Promise<unknown> {
  const length = request.get('content-length');
  if (request.get('transfer-encoding') === undefined && (length === undefined || length === '0')) {
    throw new ApiProblem('malformedBody', 'The request has no body');
  }
  const type = request.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new ApiProblem('unsupportedMediaType', `Content-Type is ${type ? 'not application/json' : 'missing'}`);
  }
  await new Promise<void>((resolve, reject) => {
    void parseJson(request, response, (error: unknown) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error('unreadable body', { cause: error }));
    });
  });
  return request.body;
}

function send(response: Response, reply: Reply): void {
  response.status(reply.status);
  if (reply.headers) response.set(reply.headers);
  if (reply.content) {
    response.set('content-type', reply.content.type).end(reply.content.data);
    return;
  }
  const json = reply.json ?? JSON.stringify(reply.body ?? {});
  response.set('content-type', 'application/json; charset=utf-8').end(json);
}
