import { ApplicationFailure } from '@temporalio/common';
import type { ProviderErrorCode } from '../../domain/machine/error-codes.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';

/**
 * A provider that refuses for good is asked again all the same, except with one error: a permission may come back, a leak
 * would stay.
 */
export async function keptAtIt(call: () => Promise<unknown>, except?: ProviderErrorCode): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof ProviderError) || !error.terminal || error.code === except) throw error;
    throw ApplicationFailure.retryable(error.message, error.code);
  }
}
