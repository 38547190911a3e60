import { describe, expect, it } from 'vitest';
import {
  SWEEP,
  SWEEP_LIMITS,
  longestSweepSeconds,
  suspectedLost,
  sweepVerdict,
  type Ownership,
} from '../../domain/sweep.ts';

const NOW = 1_000_000;
const old = { createdAt: NOW - SWEEP.graceSeconds * 1000 };
const young = { createdAt: NOW - SWEEP.graceSeconds * 1000 + 1 };

describe('a swept machine', () => {
  it.each([
    ['running', old, 'owned'],
    ['running', young, 'owned'],
    ['closed', old, 'orphan'],
    ['closed', young, 'young'],
    ['unknown', old, 'unattributed'],
    ['unknown', young, 'young'],
  ] as [Ownership, { createdAt: number }, string][])(
    'with a %s owner, made at %o, is %s',
    (ownership, machine, verdict) => {
      expect(sweepVerdict(machine, ownership, NOW)).toBe(verdict);
    },
  );

  it('is an orphan only when its owner is known to have closed', () => {
    for (const ownership of ['running', 'unknown'] as const) {
      for (const createdAt of [0, NOW - 1, NOW, NOW + 1]) {
        expect(sweepVerdict({ createdAt }, ownership, NOW)).not.toBe('orphan');
      }
    }
  });
});

describe('a sweep in which everything hangs', () => {
  it('still ends within the try of its activity, and all tries within their time', () => {
    expect(longestSweepSeconds(SWEEP_LIMITS.sweep)).toBeLessThan(SWEEP.attemptSeconds);
    expect(SWEEP.attemptSeconds + longestSweepSeconds(SWEEP_LIMITS.sweep)).toBeLessThan(SWEEP.totalSeconds);
  });

  it('takes less than the usual period where only destroys hang', () => {
    const { destroysSeconds, destroySeconds } = SWEEP_LIMITS.sweep;
    expect(destroysSeconds + destroySeconds).toBeLessThan(SWEEP.intervalSeconds);
  });
});

describe('a VM', () => {
  const live = (['creating', 'booting', 'running', 'draining', 'destroying'] as const).map((state) => ({
    machineId: `m-${state}`,
    state,
  }));

  it('is suspected lost when it should have a machine and none is alive', () => {
    expect(suspectedLost(live, new Set()).map(({ state }) => state)).toEqual(['booting', 'running', 'draining']);
  });

  it('is not while its machine is alive', () => {
    expect(suspectedLost(live, new Set(live.map(({ machineId }) => machineId)))).toEqual([]);
  });
});
