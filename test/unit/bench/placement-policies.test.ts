import { describe, expect, it } from 'vitest';
import { median } from '../../../bench/harness/statistics.ts';
import { classes, classesWithReservation, plainPull, waitsOnItsHost } from '../../../test-support/capacity/policies.ts';
import {
  AT_ONCE,
  figuresOf,
  HELD_OUT,
  ODD_SIZES,
  THREE_SIZES,
  UNEVEN_LIVES,
} from '../../../test-support/capacity/scenario.ts';
import type { PlacementPolicy } from '../../../test-support/capacity/simulation.ts';

const SEEDS = [1, 2, 3, 4, 5];
/** With which nothing was tuned. */
const OTHER_SEEDS = [101, 102, 103];

/** Medians over the seeds, of 1,000 creates of three sizes on 8 hosts. */
function played(
  policy: () => PlacementPolicy,
  scenario = THREE_SIZES,
  seeds = SEEDS,
): { usedShare: number; biggestToMedian: number } {
  const runs = seeds.map((seed) => figuresOf(scenario, policy(), seed));
  return {
    usedShare: median(runs.map(({ usedShare }) => usedShare)),
    biggestToMedian: median(runs.map(({ biggestToMedian }) => biggestToMedian)),
  };
}

describe('1,000 creates of three sizes on 8 hosts', { timeout: 60_000 }, () => {
  it('use at least 95 % of the room while one waits, and the biggest wait at most twice the median', () => {
    const { usedShare, biggestToMedian } = played(classesWithReservation);
    expect(usedShare).toBeGreaterThanOrEqual(0.95);
    expect(biggestToMedian).toBeLessThanOrEqual(2);
  });

  it('that wait on the host that pulled them leave room empty on others', () => {
    expect(played(waitsOnItsHost).usedShare).toBeLessThan(0.8);
  });

  it('that are handed back where they do not fit starve the biggest', () => {
    expect(played(plainPull).biggestToMedian).toBeGreaterThan(10);
  });

  it('in queues by size starve the biggest where no room is reserved', () => {
    expect(played(classes).biggestToMedian).toBeGreaterThan(5);
  });

  it('that are all asked for at once are placed as fast as any policy does it', () => {
    const { usedShare, biggestToMedian } = played(classesWithReservation, AT_ONCE);
    expect(usedShare).toBeGreaterThanOrEqual(0.95);
    expect(biggestToMedian).toBeLessThanOrEqual(2);
  });

  it('whose lives differ much still use 94 % of the room', () => {
    const { usedShare, biggestToMedian } = played(classesWithReservation, UNEVEN_LIVES);
    expect(usedShare).toBeGreaterThanOrEqual(0.94);
    expect(biggestToMedian).toBeLessThanOrEqual(2);
  });

  it.each([THREE_SIZES, UNEVEN_LIVES, ...HELD_OUT])(
    'that the policy was not tuned by are placed as well: $name',
    (scenario) => {
      const { usedShare, biggestToMedian } = played(classesWithReservation, scenario, OTHER_SEEDS);
      expect(usedShare).toBeGreaterThanOrEqual(0.93);
      expect(biggestToMedian).toBeLessThanOrEqual(2);
    },
  );

  it('of sizes that fill no host evenly still use more of the room than first come, first served', () => {
    const { usedShare, biggestToMedian } = played(classesWithReservation, ODD_SIZES);
    expect(usedShare).toBeGreaterThan(played(waitsOnItsHost, ODD_SIZES).usedShare);
    expect(biggestToMedian).toBeLessThan(played(plainPull, ODD_SIZES).biggestToMedian / 5);
  });
});
