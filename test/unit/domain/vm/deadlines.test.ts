import { describe, expect, it } from 'vitest';
import {
  ALIVE_BECAUSE,
  EMPTY_END_REASON,
  aliveBecause,
  isTimedByActivity,
  nextDeadline,
  shownDeadline,
} from '../../../../domain/vm/deadlines.ts';
import { TIMEOUTS } from '../../../../domain/timeouts.ts';
import { END_REASONS } from '../../../../domain/vm/state.ts';
import { START, Life } from '../../../../test-support/vm/vm-life.ts';

const busy = (): Life => Life.ready().at(20, 'report', { sequence: 2, connections: 1 });
const after = (seconds: number): number => START + seconds * 1000;

describe('the next deadline', () => {
  it('of a VM that is being made is the end of all tries', () => {
    expect(new Life().due).toEqual(['create', TIMEOUTS.createTotalSeconds]);
  });

  it('of a VM that boots is the readiness time-out, from when its machine was made', () => {
    expect(new Life().at(5, 'machineCreated').due).toEqual(['ready', 125]);
  });

  it('is the maximum lifetime when that comes first, in every phase', () => {
    const choices = { maxLifetimeSeconds: 30 };
    expect(new Life(choices).due).toEqual(['maxLifetime', 30]);
    expect(new Life(choices).at(5, 'machineCreated').due).toEqual(['maxLifetime', 30]);
    expect(Life.ready(choices).due).toEqual(['maxLifetime', 30]);
    expect(Life.ready(choices).at(20, 'report', { sequence: 2, connections: 1 }).due).toEqual(['maxLifetime', 30]);
  });

  it('of a question is when its answer is overdue, though other deadlines have passed', () => {
    expect(Life.ready().until(210).due).toEqual(['confirm', 210 + TIMEOUTS.confirmReportSeconds]);
  });

  it('of a silence is the end of its grace, which begins when the machine is known to live', () => {
    expect(busy().until(320).due).toEqual(['maxLifetime', 10_000]);
    expect(busy().until(320).at(330, 'probed', { alive: true }).due).toEqual(['lost', 630]);
  });

  it('is none once the VM is being destroyed: that takes as long as it takes', () => {
    expect(busy().at(30, 'destroyRequested').due).toBeNull();
    expect(busy().at(30, 'destroyRequested').at(31, 'machineGone').due).toBeNull();
  });

  it('moves with every report, so a lazy timer that fires early finds nothing due', () => {
    const life = busy().at(200, 'report', { sequence: 3, connections: 1 });
    expect(life.due).toEqual(['silence', 500]);
    const { vm } = life;
    expect(life.until(320).vm).toBe(vm);
  });

  it('of an empty VM ends it with a reason of the same name', () => {
    for (const [kind, reason] of Object.entries(EMPTY_END_REASON)) {
      expect(reason).toBe(kind);
      expect(END_REASONS).toContain(reason);
    }
  });
});

describe('the deadline that people are shown', () => {
  it('is never the watchdog for silence', () => {
    const { vm } = busy();
    expect(nextDeadline(vm)?.kind).toBe('silence');
    expect(shownDeadline(vm)).toEqual({ kind: 'maxLifetime', at: after(10_000) });
  });

  it('is the idle deadline of an empty VM, even when silence would come first', () => {
    const life = Life.ready({ idle: { silenceTimeoutSeconds: 60 } }).at(20, 'connections');
    expect(shownDeadline(life.vm)).toEqual({ kind: 'idle', at: after(120) });
  });
});

describe('the workflow needs no timer of its own', () => {
  it('while an activity runs that ends with the same deadline', () => {
    expect(isTimedByActivity(new Life().vm)).toBe(true);
    expect(isTimedByActivity(new Life().at(1, 'machineCreated').vm)).toBe(true);
    expect(isTimedByActivity(Life.ready().until(210).vm)).toBe(true);
  });

  it('but needs one in all that waits for a report or for nothing', () => {
    expect(isTimedByActivity(busy().vm)).toBe(false);
    expect(isTimedByActivity(busy().until(320).vm)).toBe(false);
    expect(isTimedByActivity(Life.ready().until(210).at(211, 'confirmByReport').vm)).toBe(false);
  });
});

describe('why a VM is alive', () => {
  const cases = {
    starting: () => new Life().at(1, 'machineCreated'),
    connections: () => busy().at(21, 'hold', { seconds: 100 }),
    hold: () => Life.ready().at(21, 'hold', { seconds: 100 }),
    confirming: () => Life.ready().until(210),
    unknown: () => busy().until(320),
    noAgent: () => Life.ready({ readiness: { kind: 'tcp' } }),
    stopped: () => Life.ready().at(20, 'stopRequested').at(21, 'machineStopped'),
    suspended: () => Life.ready().at(20, 'suspendRequested').at(21, 'machineSuspended'),
    stays: () => Life.ready({ idle: { action: 'none' } }),
    firstConnectGrace: () => Life.ready(),
    idleGrace: () => Life.ready().at(20, 'connections'),
    rollOverGrace: () =>
      Life.ready({ template: { name: 'chat', version: 1 } })
        .at(20, 'connections')
        .at(21, 'rollOver'),
  } as const satisfies Record<(typeof ALIVE_BECAUSE)[number], () => Life>;

  it.each(ALIVE_BECAUSE)('%s', (because) => {
    expect(aliveBecause(cases[because]().vm, after(30))).toBe(because);
  });

  it('is no hold any more when that is over', () => {
    expect(aliveBecause(cases.hold().vm, after(121))).toBe('firstConnectGrace');
  });

  it('is nothing once it is being destroyed', () => {
    expect(aliveBecause(busy().at(30, 'destroyRequested').vm, after(30))).toBeNull();
  });

  it('is the same while it drains', () => {
    expect(aliveBecause(busy().at(30, 'drain').vm, after(30))).toBe('connections');
  });
});
