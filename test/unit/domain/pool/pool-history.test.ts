import { describe, expect, it } from 'vitest';
import { HISTORY_HOURS, sampled, type PoolSample } from '../../../../domain/pool/history.ts';

const numbers = (ready: number, claimed = 0) => ({ desired: 3, ready, inFlight: 0, claimed, missed: 0, failed: 0 });
const MINUTE_MS = 60_000;

function historyOf(...changes: [minute: number, ready: number][]): readonly PoolSample[] {
  return changes.reduce<readonly PoolSample[]>(
    (history, [minute, ready]) => sampled(history, numbers(ready), minute * MINUTE_MS),
    [],
  );
}

describe('the history of a pool', () => {
  it('has a sample where something changed, and none where nothing did', () => {
    expect(historyOf([0, 0], [1, 0], [2, 3], [9, 3], [10, 2]).map(([at, , ready]) => [at / 60, ready])).toEqual([
      [0, 0],
      [2, 3],
      [10, 2],
    ]);
  });

  it('keeps the last of what changes within a minute, with all that was counted in it', () => {
    const first = sampled([], numbers(3), 30_000);
    const claimed = sampled(first, numbers(1, 2), 61_000);
    const refilled = sampled(claimed, numbers(3, 2), 64_000);
    expect(refilled).toEqual([
      [30, 3, 3, 0, 0, 0, 0],
      [64, 3, 3, 0, 2, 0, 0],
    ]);
  });

  it('forgets what is older than its hours, and knows how the pool was when they began', () => {
    const now = HISTORY_HOURS * 60 + 100;
    const history = historyOf([0, 0], [50, 1], [150, 2], [now, 3]);
    expect(history.map(([at]) => at / 60)).toEqual([50, 150, now]);
  });

  it('stays small, whatever happens', () => {
    const changes = Array.from({ length: 10_000 }, (_, n): [number, number] => [n / 3, n % 5]);
    const history = historyOf(...changes);
    expect(history.length).toBeLessThanOrEqual(HISTORY_HOURS * 60 + 2);
    expect(JSON.stringify(history).length).toBeLessThan(32 * 1024);
  });
});
