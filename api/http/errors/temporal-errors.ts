import {
  isGrpcServiceError,
  QueryRejectedError,
  ServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApiProblem } from './problem.ts';

/** gRPC codes that say: the server is away, overloaded or late; the request itself may be right. */
const UNAVAILABLE_CODES: readonly number[] = [
  1, // CANCELLED
  4, // DEADLINE_EXCEEDED
  8, // RESOURCE_EXHAUSTED
  10, // ABORTED
  14, // UNAVAILABLE
];

/** True when Temporal did not answer (in time), so nothing is known about the outcome. */
export function isTemporalUnavailable(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  if (isGrpcServiceError(error)) return UNAVAILABLE_CODES.includes(error.code);
  // A failure below gRPC (no connection yet, name resolution) reaches us as a ServiceError around a plain one.
  if (error instanceof ServiceError) return error.cause === undefined || isTemporalUnavailableCause(error.cause);
  return error instanceof Error && error.name === 'AbortError';
}

function isTemporalUnavailableCause(cause: Error): boolean {
  return isGrpcServiceError(cause) ? UNAVAILABLE_CODES.includes(cause.code) : true;
}

const FAILED_PRECONDITION = 9;

/** True when a workflow that was about to go on in a fresh history dropped the update of that moment: it may come again. */
export function isUpdateDropped(error: unknown): boolean {
  const cause: unknown = error instanceof ServiceError ? error.cause : error;
  if (!isGrpcServiceError(cause)) return false;
  const code: number = cause.code;
  return code === FAILED_PRECONDITION;
}

/** True when there is no such workflow, or it is closed and takes no more messages. */
export function isWorkflowGone(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || error instanceof QueryRejectedError;
}

/** The problem an error of Temporal's client stands for, or undefined when it is a bug. */
export function temporalProblem(error: unknown): ApiProblem | undefined {
  if (!isTemporalUnavailable(error)) return undefined;
  return new ApiProblem('temporalUnavailable', 'Temporal did not answer in time', {
    headers: { 'retry-after': '1' },
    cause: error,
  });
}
