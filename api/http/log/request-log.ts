import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import type { Level, Logger } from 'pino';
import type { ApiErrorCode } from '../../../domain/error-codes.ts';
import type { ApiMetrics } from '../../metrics/api-metrics.ts';

const SANE_REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** What is known of a request so far, for its line in the log and its metrics. */
export interface RequestFacts {
  requestId: string;
  /** Template of the route: `/v1/vms/{name}`. */
  route?: string;
  keyId?: string;
  project?: string;
  /** The VM it is about. */
  workflowId?: string;
  runId?: string;
  /** The caller asked to be answered later. */
  waited?: boolean;
  /** It became a WebSocket, and this is its end. */
  upgraded?: true;
  /** Of the problem it was answered with. */
  code?: ApiErrorCode;
}

/** The facts of the request that this response answers; the handler that learns one notes it here. */
export function factsOf(response: Response): RequestFacts {
  return response.locals as RequestFacts;
}

/** cloud-init cannot send a token but in the path. */
const TOKEN_IN_PATH = /^(\/v1\/datasource\/[^/]*\/)[^/]+/i;

/**
 * Gives each request its id (the caller's X-Request-Id when it is sane) and writes one line when it is answered.
 * The line has no query, header, body or token: those may hold secrets.
 */
export function requestLog(log: Logger, metrics: Pick<ApiMetrics, 'answered'>): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const presented = request.get('x-request-id') ?? '';
    const requestId = SANE_REQUEST_ID.test(presented) ? presented : randomUUID();
    response.locals['requestId'] = requestId;
    response.setHeader('x-request-id', requestId);
    const { method } = request;
    const path = request.path.replace(TOKEN_IN_PATH, '$1…');
    response.on('close', () => {
      const durationMs = performance.now() - startedAt;
      const { waited = false, upgraded = false, ...facts } = factsOf(response);
      const status = upgraded ? 101 : response.writableFinished ? response.statusCode : 499;
      const { route, code } = facts;
      metrics.answered({ method, route, status, durationMs, waited, code });
      const line = { ...facts, method, path, status, durationMs: Math.round(durationMs) };
      log[levelOf(method, status, facts)](line, 'request');
    });
    next();
  };
}

/** What changes something or goes wrong is worth reading; reports, looks and probes come by the thousand. */
function levelOf(method: string, status: number, { keyId }: RequestFacts): Level {
  if (status >= 500) return 'warn';
  const isLook = method === 'GET' || method === 'HEAD';
  return (keyId !== undefined && !isLook) || status === 401 || status === 403 ? 'info' : 'debug';
}
