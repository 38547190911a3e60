import { describe, expect, it } from 'vitest';
import { API_ERROR } from '../../../../domain/error-codes.ts';
import { PROVIDER_ERROR, type ProviderErrorCode } from '../../../../domain/machine/error-codes.ts';
import { ProviderError } from '../../../../domain/machine/provider-error.ts';

describe('an error code', () => {
  const all = [...Object.entries(API_ERROR), ...Object.entries(PROVIDER_ERROR)];

  it('is written in camel case', () => {
    for (const [code] of all) expect(code).toMatch(/^[a-z]+([A-Z][a-z]+)*$/);
  });

  it.each(all)('%s says what happened and what to do next', (_code, { title, todo }) => {
    expect(title).toMatch(/^[A-Z].*[^.]$/);
    expect(todo).toMatch(/^[A-Z].*\.$/);
  });

  it.each(Object.entries(API_ERROR))('%s is the fault of the client (4xx) or ours (5xx)', (_code, { status }) => {
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
  });
});

describe('an error of a provider', () => {
  it.each(Object.keys(PROVIDER_ERROR) as ProviderErrorCode[])('%s knows whether trying again can help', (code) => {
    const cause = new Error('the socket closed');
    const error = new ProviderError(code, 'what the provider said', { cause });
    expect(error).toMatchObject({ name: 'ProviderError', code, message: 'what the provider said', cause });
    expect(error.terminal).toBe(PROVIDER_ERROR[code].kind === 'terminal');
  });
});
