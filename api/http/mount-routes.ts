import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import type { ApiContext } from '../api-context.ts';
import { browserRequestOf } from '../browser/browser-request.ts';
import { admit, admitHolder, stillLetsIn } from './limits/admission.ts';
import { audit, type Attempt } from './log/audit.ts';
import { bearerToken } from './authenticate.ts';
import { problemOf } from './errors/error-handler.ts';
import { acceptForLater } from '../requests/later.ts';
import { prefersToBeAnsweredLater } from './prefer.ts';
import { refuseOtherType } from './content-type.ts';
import { ApiProblem } from './errors/problem.ts';
import type { Reply, Route, UncheckedRequest } from './route.ts';
import { acceptUpgrade, asksForWebSocket } from './upgrade.ts';
import { factsOf } from './log/request-log.ts';
import { refusePrototypes, typedQuery, validate } from './validate.ts';

export const MAX_BODY_BYTES = 256 * 1024;

const parseJson: RequestHandler = express.json({ limit: MAX_BODY_BYTES, strict: false, type: () => true });

/** Mounts every route, and on each path a 405 for the methods that it does not take. */
export function mountRoutes(app: Express, routes: readonly Route[], api: ApiContext): void {
  for (const path of new Set(routes.map((route) => route.path))) {
    const onPath = routes.filter((route) => route.path === path);
    const mounted = app.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    for (const route of onPath) mounted[route.method](handler(route, api));
    mounted.all((request, response) => {
      factsOf(response).route = path;
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
    const facts = factsOf(response);
    facts.route = route.path;
    const attempt: Attempt = {
      requestId: facts.requestId,
      remoteAddress: request.ip ?? '',
      bearer: bearerToken(request.get('authorization')),
      browser: browserRequestOf(request, api.browserSessions.cookieName),
      caller: undefined,
      params: request.params,
      input: undefined,
    };
    const reply = await answer(route, api, attempt, request, response).catch((error: unknown) => {
      audit(api, route, attempt, problemOf(error));
      throw error;
    });
    // Before the reply: a caller that got the answer to a change finds it in the log.
    audit(api, route, attempt, reply);
    Object.assign(facts, reply.about);
    if (reply.webSocket !== undefined) acceptUpgrade(request, response, reply.webSocket);
    else await send(response, reply);
  };
}

async function answer(
  route: Route,
  api: ApiContext,
  attempt: Attempt,
  request: Request,
  response: Response,
): Promise<Reply> {
  const { requestId, remoteAddress, bearer, browser } = attempt;
  const isUpgrade = asksForWebSocket(request);
  const admitted = admit(route, api, { ...attempt, isUpgrade });
  const caller = (attempt.caller = admitted?.holder);
  if (caller !== undefined) {
    Object.assign(factsOf(response), { keyId: caller.id, project: caller.project });
    admitHolder(route, api, caller);
  }
  const body = route.body === undefined ? undefined : await readJson(request, response);
  const input = (attempt.input = validated(route, request, body));
  const isLetIn = (): boolean => admitted === undefined || stillLetsIn(api, admitted, bearer);
  const gone = api.openRequests.signalFor(response, isLetIn);
  const auditTarget: UncheckedRequest['auditTarget'] = (target) => {
    attempt.target = target;
  };
  const unchecked: UncheckedRequest = {
    ...{ ...input, requestId, bearer, caller, remoteAddress, browser, auditTarget, gone },
    sessionExpiresAt: admitted?.expiresAt,
  };
  if (route.webSocket === true) unchecked.asksForWebSocket = isUpgrade;
  if (route.content !== undefined) unchecked.content = request;
  const isForLater = route.later !== undefined && prefersToBeAnsweredLater(request.get('prefer'));
  if (isForLater) return acceptForLater(route, unchecked, api);
  const waited = waits(input.query);
  factsOf(response).waited = waited;
  const endWait = caller !== undefined && waited ? api.requestLimits.beginWait(caller) : undefined;
  try {
    return await route.handle(unchecked, api);
  } finally {
    endWait?.();
  }
}

function waits(query: unknown): boolean {
  return typeof query === 'object' && query !== null && 'wait' in query && query.wait !== undefined;
}

function validated(route: Route, request: Request, body: unknown) {
  const query = new URLSearchParams(request.url.split('?').slice(1).join('?'));
  return {
    params: route.params && validate(route.params, request.params, 'path'),
    query: route.query && validate(route.query, typedQuery(route.query, query), 'query'),
    headers: route.headers && validate(route.headers, request.headers, 'header'),
    body: route.body && validBody(route.body, body),
  };
}

function validBody(schema: NonNullable<Route['body']>, body: unknown): unknown {
  const valid = validate(schema, body, 'body');
  refusePrototypes(body, 'body');
  return valid;
}

async function readJson(request: Request, response: Response): Promise<unknown> {
  const length = request.get('content-length');
  if (request.get('transfer-encoding') === undefined && (length === undefined || length === '0')) {
    throw new ApiProblem('malformedBody', 'The request has no body');
  }
  refuseOtherType(request.get('content-type'), 'application/json');
  await new Promise<void>((resolve, reject) => {
    void parseJson(request, response, (error: unknown) => {
      if (error === undefined) resolve();
      else reject(error instanceof Error ? error : new Error('unreadable body', { cause: error }));
    });
  });
  return request.body;
}

async function send(response: Response, reply: Reply): Promise<void> {
  response.status(reply.status);
  if (reply.headers) response.set(reply.headers);
  if (reply.isEndless && response.req.method === 'HEAD') {
    response.end();
    return;
  }
  if (reply.stream) {
    await reply.stream(response);
    return;
  }
  if (reply.content) {
    response.set('content-type', reply.content.type).end(reply.content.data);
    return;
  }
  if (reply.status === 204) {
    response.end();
    return;
  }
  const json = reply.json ?? JSON.stringify(reply.body ?? {});
  response.set('content-type', 'application/json; charset=utf-8').end(json);
}
