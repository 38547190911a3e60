import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Logger } from 'pino';

const SANE_REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Gives each request its id (the caller's X-Request-Id when it is sane) and writes one line when it is answered.
 * The line has no query, header or body: those may hold secrets.
 */
export function requestLog(log: Logger): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const presented = request.get('x-request-id') ?? '';
    const requestId = SANE_REQUEST_ID.test(presented) ? presented : randomUUID();
    response.locals['requestId'] = requestId;
    response.setHeader('x-request-id', requestId);
    const { path, method } = request;
    response.on('close', () => {
      const status = response.writableFinished ? response.statusCode : 499;
      const { keyId, project, code } = response.locals as Record<string, string | undefined>;
      const durationMs = Math.round(performance.now() - startedAt);
      const level = status >= 500 ? 'warn' : 'debug';
      log[level]({ requestId, method, path, status, durationMs, keyId, project, code }, 'request');
    });
    next();
  };
}
