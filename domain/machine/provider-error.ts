import { PROVIDER_ERROR, type ProviderErrorCode } from './error-codes.ts';

/** What a provider throws: a documented code that says whether trying again can help. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly code: ProviderErrorCode;

  constructor(code: ProviderErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** True when the same call can never succeed. */
  get terminal(): boolean {
    return PROVIDER_ERROR[this.code].kind === 'terminal';
  }
}
