import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { asActivityFailure } from '../../../activities/error-mapping.ts';
import { PROVIDER_ERROR, type ProviderErrorCode } from '../../../domain/machine/error-codes.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';

describe('what an activity fails with', () => {
  it.each(Object.entries(PROVIDER_ERROR))(
    '%s keeps its code, and only a retryable one is tried again',
    (code, { kind }) => {
      const failure = asActivityFailure(new ProviderError(code as ProviderErrorCode, 'why'));
      expect(failure).toBeInstanceOf(ApplicationFailure);
      expect(failure).toMatchObject({ type: code, message: 'why', nonRetryable: kind === 'terminal' });
    },
  );

  it('a cancellation stays one, and an unknown error stays retryable', () => {
    const cancelled = new CancelledFailure('cancelled');
    expect(asActivityFailure(cancelled)).toBe(cancelled);
    const bug = new TypeError('bug');
    expect(asActivityFailure(bug)).toBe(bug);
  });
});
