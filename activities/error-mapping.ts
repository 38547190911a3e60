import { ApplicationFailure } from '@temporalio/common';
import { ProviderError } from '../domain/machine/provider-error.ts';
import { CallThrottled } from './paced-provider.ts';

/**
 * The one place where a provider's error becomes a failure of an activity: its code is the failure's type, and
 * a terminal one is not tried again. Everything else, cancellation included, passes as it is.
 */
export function asActivityFailure(error: unknown): unknown {
  if (!(error instanceof ProviderError)) return error;
  return ApplicationFailure.create({
    message: error.message,
    type: error.code,
    nonRetryable: error.terminal,
    ...(error instanceof CallThrottled ? { nextRetryDelay: error.retryAfterMs } : {}),
  });
}
