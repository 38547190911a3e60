import { describe, expect, it } from 'vitest';
import { CallBudget } from '../../../providers/call-budget.ts';
import { ApiCalls } from '../../../providers/cloud/api-calls.ts';
import { CloudFailure, retryAfterMsOf } from '../../../providers/cloud/cloud-failure.ts';

const NOW_MS = Date.UTC(2026, 10, 30, 12, 0, 0);
const asked = (headers: Record<string, string>): number | undefined => retryAfterMsOf((name) => headers[name], NOW_MS);

describe('how long an answer asks to wait', () => {
  it.each([
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after': 'Mon, 30 Nov 2026 12:00:20 GMT' }, 20_000],
    [{ 'retry-after': 'Mon, 30 Nov 2026 11:00:00 GMT' }, 0],
    [{ 'ratelimit-remaining': '0', 'ratelimit-reset': String(NOW_MS / 1000 + 90) }, 90_000],
    [{ 'ratelimit-remaining': '0', 'ratelimit-reset': '3' }, 3000],
    [{ 'ratelimit-remaining': '7', 'ratelimit-reset': '3' }, undefined],
    [{ 'retry-after': '2', 'ratelimit-reset': '300' }, 2000],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ] as const)('%j is %s ms', (headers, ms) => {
    expect(asked(headers)).toBe(ms);
  });
});

describe('a call that the cloud asks to come again later', () => {
  const callsOf = (retryAfterMs: number, budgetMs: number): { tries: number[]; outcome: Promise<string> } => {
    const tries: number[] = [];
    const budget = new CallBudget({ rate: { callsPerSecond: 1000, burst: 100, reservedForDestroys: 0 } });
    const failureOf = (): CloudFailure => new CloudFailure('rateLimited', '429', 'too many', { retryAfterMs });
    const calls = new ApiCalls(budget, { firstMs: 1, mostMs: 2, budgetMs }, { optionsOf: () => null, failureOf });
    const settings = { purpose: 'ongoing', signal: new AbortController().signal } as const;
    const outcome = calls.make(settings, () => {
      tries.push(performance.now());
      return tries.length < 2 ? Promise.reject(new Error('429')) : Promise.resolve('done');
    });
    return { tries, outcome };
  };

  it('comes no earlier than that', async () => {
    const { tries, outcome } = callsOf(150, 5000);
    expect(await outcome).toBe('done');
    expect(tries[1]! - tries[0]!).toBeGreaterThanOrEqual(145);
  });

  it('fails at once where that is longer than it would be tried', async () => {
    const { tries, outcome } = callsOf(60_000, 5000);
    await expect(outcome).rejects.toMatchObject({ kind: 'rateLimited', retryAfterMs: 60_000 });
    expect(tries).toHaveLength(1);
  });
});
