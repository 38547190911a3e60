import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { runAsActivity } from '../../../activities/run-activity.ts';

afterEach(() => vi.useRealTimers());

type Waited = (input: null) => Promise<number>;

it('an activity has waited by the clock of Temporal, whatever the clock of its host says', async () => {
  const scheduled = Date.now() - 20_000;
  const waited = runAsActivity((_input: null, { scheduledAt }) => Promise.resolve(Date.now() - scheduledAt));
  const run = (info: object): Promise<number> =>
    new MockActivityEnvironment(info).run<[null], number, Waited>(waited, null);
  const info = { scheduledTimestampMs: scheduled, currentAttemptScheduledTimestampMs: Date.now() };
  const atNoon = await run(info);
  expect(Math.abs(atNoon - 20_000)).toBeLessThan(500);
  vi.useFakeTimers({ now: Date.now() + 120_000, toFake: ['Date'] });
  const ahead = await run(info);
  expect(Math.abs(ahead - 20_000)).toBeLessThan(500);
});
