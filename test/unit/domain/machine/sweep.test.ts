import { describe, expect, it } from 'vitest';
import {
  SWEEP,
  SWEEP_LIMITS,
  longestSweepSeconds,
  namesOtherLife,
  ownershipOf,
  suspectedLost,
  sweepVerdict,
  type Ownership,
  type OwnerRun,
} from '../../../../domain/machine/sweep.ts';

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

describe('a machine and the last run of its owner', () => {
  const machine = { machineId: 'm-1', createdAt: NOW };
  const run = (state: OwnerRun['state'], machineId?: string, closedAt?: number): OwnerRun => ({
    state,
    machineId,
    closedAt,
  });
  it.each([
    ['has it', run('running', 'm-1'), 'running'],
    ['names none', run('running'), 'running'],
    ['names another', run('running', 'm-2'), 'movedOn'],
    ['had it and closed', run('closed', 'm-1', NOW - 60_000), 'closed'],
    ['had another and closed later', run('closed', 'm-2', NOW + 1), 'closed'],
    ['named none and closed later', run('closed', undefined, NOW + 1), 'closed'],
    ['had closed before it was made, as after the restore of a backup', run('closed', 'm-2', NOW - 1), 'unknown'],
    ['is not there', run('unknown'), 'unknown'],
  ] as [string, OwnerRun, Ownership][])('that %s', (_how, owner, ownership) => {
    expect(ownershipOf(machine, owner)).toBe(ownership);
  });
});

describe('a machine that names the life of its owner', () => {
  // Made by a host whose clock is a minute ahead, of a VM that took another one and ended within that minute.
  const machine = { machineId: 'm-1', createdAt: NOW + 60_000, uid: 'life-1' };
  const closed = { state: 'closed', machineId: 'm-2', closedAt: NOW } as const;

  it('goes when that life has closed, whatever the clock of its host says', () => {
    expect(ownershipOf(machine, { ...closed, uid: 'life-1' })).toBe('closed');
    expect(ownershipOf({ ...machine, uid: undefined }, { ...closed, uid: 'life-1' })).toBe('unknown');
  });

  it('of an earlier one goes when Temporal still has that, and is judged by its time when it has not', () => {
    const later = { ...closed, uid: 'life-2' };
    expect(namesOtherLife(machine, later)).toBe(true);
    expect(ownershipOf(machine, { ...later, hadMachinesLife: true })).toBe('closed');
    expect(ownershipOf(machine, { ...later, hadMachinesLife: false })).toBe('unknown');
    expect(ownershipOf({ ...machine, createdAt: NOW - 1 }, { ...later, hadMachinesLife: false })).toBe('closed');
  });

  it('is owned while its owner runs, and unknown where Temporal has none', () => {
    const running = { state: 'running', machineId: 'm-1', closedAt: undefined, uid: 'life-1' } as const;
    expect(ownershipOf(machine, running)).toBe('running');
    expect(ownershipOf(machine, { ...running, machineId: 'm-2' })).toBe('movedOn');
    expect(ownershipOf(machine, { ...running, state: 'unknown', machineId: undefined, uid: undefined })).toBe(
      'unknown',
    );
    expect(namesOtherLife(machine, running)).toBe(false);
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
