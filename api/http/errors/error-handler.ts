/** The one place where errors become answers. */
import type { ErrorRequestHandler, Response } from 'express';
import { ApiProblem, PROBLEM_CONTENT_TYPE, problemDocument } from './problem.ts';
import { factsOf, type RequestFacts } from '../log/request-log.ts';
import { temporalProblem } from './temporal-errors.ts';

/** Errors of express and its body parser carry these. */
interface HttpError extends Error {
  status: number;
  type?: string;
}

function isHttpError(error: unknown): error is HttpError {
  return error instanceof Error && 'status' in error && typeof error.status === 'number';
}

/** What any thrown value stands for; a bug is `internal` and tells nothing of itself. */
export function problemOf(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  const fromTemporal = temporalProblem(error);
  if (fromTemporal) return fromTemporal;
  if (isHttpError(error) && error.status >= 400 && error.status < 500) return requestProblem(error);
  return new ApiProblem('internal', 'Something broke inside the API', { cause: error });
}

function requestProblem(error: HttpError): ApiProblem {
  switch (error.type) {
    case 'entity.too.large':
      return new ApiProblem('bodyTooLarge', 'The body is larger than 256 KiB', { cause: error });
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new ApiProblem('unsupportedMediaType', 'The encoding of the body is not supported', { cause: error });
    case undefined:
      return new ApiProblem('invalidRequest', 'The path is not valid: a percent-encoding in it is broken', {
        cause: error,
      });
    default:
      return new ApiProblem('malformedBody', 'The body could not be read as JSON', { cause: error });
  }
}

export function sendProblem(response: Response, problem: ApiProblem, requestId: string): void {
  response
    .status(problem.status)
    .set(problem.headers)
    .set('content-type', PROBLEM_CONTENT_TYPE)
    .end(JSON.stringify(problemDocument(problem, requestId)));
}

export function errorHandler(onBug: (error: unknown, facts: RequestFacts) => void): ErrorRequestHandler {
  return (error: unknown, _request, response: Response, next) => {
    const problem = problemOf(error);
    const facts = factsOf(response);
    facts.code = problem.code;
    if (problem.code === 'internal') onBug(error, facts);
    if (response.headersSent) {
      // Too late for an answer: express cuts the connection.
      next(error);
      return;
    }
    sendProblem(response, problem, facts.requestId);
  };
}
