import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextDeadline } from '../../../../domain/vm/deadlines.ts';
import { next } from '../../../../domain/vm/next.ts';
import type { VmEvent } from '../../../../domain/vm/events.ts';
import { TIMELINE_LIMIT, hasEnded, isBelowRunning, isServing, type Vm } from '../../../../domain/vm/state.ts';
import { timelineView, vmMemo, vmView } from '../../../../domain/vm/view.ts';
import { connectionCount, specChoices } from '../../../../test-support/vm/random-vms.ts';
import { MACHINE, MACHINE_ID, createdVm, letTimePass, type SpecChoices } from '../../../../test-support/vm/vm-life.ts';

const machineId = fc.oneof({ weight: 9, arbitrary: fc.constant(MACHINE_ID) }, { weight: 1, arbitrary: fc.string() });
const sequence = fc.integer({ min: 0, max: 60 });
const kind = <Kind extends VmEvent['kind']>(name: Kind): fc.Arbitrary<Kind> => fc.constant(name);

/** Any event with anything in it, and how long after the one before it comes. */
const happening = fc.record({
  afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: 400_000 })),
  event: fc.oneof(
    fc.record({ kind: kind('machineCreated'), machine: fc.record({ machineId }).map((id) => ({ ...MACHINE, ...id })) }),
    fc.record({ kind: kind('createFailed'), detail: fc.string() }),
    fc.record({ kind: kind('placeLost'), machineId, nextMachineId: fc.constant('m-next'), detail: fc.string() }),
    fc.record({
      kind: kind('machineReady'),
      machineId,
      usage: fc.option(fc.record({ sequence, connections: connectionCount })),
    }),
    fc.record({ kind: kind('notReady'), machineId: fc.string(), detail: fc.string() }),
    fc.record({
      kind: kind('report'),
      machineId,
      sequence,
      connections: connectionCount,
      sentLateMs: fc.nat({ max: 60_000 }),
    }),
    fc.record({ kind: kind('report'), machineId, sequence, connections: connectionCount, sentLateMs: fc.constant(0) }),
    fc.record({ kind: kind('connections'), connections: connectionCount }),
    fc.record({ kind: kind('confirmAnswered'), machineId, sequence, connections: connectionCount }),
    fc.record({ kind: kind('confirmUnanswered'), machineId }),
    fc.record({ kind: kind('confirmByReport'), machineId }),
    fc.record({ kind: kind('probed'), machineId, alive: fc.boolean() }),
    fc.record({ kind: kind('machineLost'), machineId: fc.string() }),
    fc.record({ kind: kind('hostLost'), machineId, nextMachineId: fc.constant('m-next') }),
    fc.record({ kind: kind('drain') }),
    fc.record({ kind: kind('undrain') }),
    fc.record({ kind: kind('takenBack'), uid: fc.constant('u-1'), claim: fc.string() }),
    fc.record({ kind: kind('rollOver'), below: fc.nat({ max: 3 }), revision: fc.nat({ max: 9 }) }),
    fc.record({ kind: kind('drainingNotified'), draining: fc.boolean() }),
    fc.record({ kind: kind('hold'), seconds: fc.constantFrom(0, 5, 600, 100_000) }),
    fc.record({ kind: kind('holdOver') }),
    fc.record({ kind: kind('stopRequested'), force: fc.boolean() }),
    fc.record({ kind: kind('startRequested') }),
    fc.record({ kind: kind('suspendRequested'), force: fc.boolean() }),
    fc.record({ kind: kind('resumeRequested') }),
    fc.record({ kind: kind('machineSuspended'), machineId }),
    fc.record({ kind: kind('suspendFailed'), machineId, detail: fc.string() }),
    fc.record({ kind: kind('machineStopped'), machineId }),
    fc.record({ kind: kind('machineStarted'), machine: fc.record({ machineId }).map((id) => ({ ...MACHINE, ...id })) }),
    fc.record({ kind: kind('startFailed'), machineId, detail: fc.string() }),
    fc.record({ kind: kind('machineMissing'), machineId }),
    fc.record({ kind: kind('exchanged'), machineId, nonce: fc.constantFrom('a', 'b') }),
    fc.record({ kind: kind('deadline') }),
    fc.record({ kind: kind('machineGone'), machineId, nextMachineId: fc.constant('m-next') }),
    fc.record({ kind: kind('destroyRequested') }),
    fc.record({ kind: kind('destroyForced') }),
    fc.record({ kind: kind('cancelled') }),
  ),
});

type Happening = typeof happening extends fc.Arbitrary<infer One> ? One : never;
const happenings = fc.array(happening, { maxLength: 50, size: 'max' });
/** Most lives start well, else random events seldom get past the boot. */
const goodStart = fc.boolean();

interface Step {
  event: VmEvent;
  before: Vm;
  after: Vm;
}

/** Every step of a life, deadlines included, in order. */
function live(choices: SpecChoices, startsWell: boolean, story: Happening[]): { steps: Step[]; vm: Vm; now: number } {
  let vm: Vm = { ...createdVm(choices), unnamed: true };
  let now = vm.createdAt;
  const steps: Step[] = [];
  const record = (event: VmEvent): void => {
    const before = vm;
    vm = next(before, event);
    steps.push({ event, before, after: vm });
  };
  if (startsWell) {
    record({ kind: 'machineCreated', at: now, machine: MACHINE });
    record({ kind: 'machineReady', at: now, machineId: MACHINE_ID, usage: { sequence: 1, connections: 0 } });
  }
  for (const { afterMs, event } of story) {
    const until = now + afterMs;
    for (let due = nextDeadline(vm); due !== null && due.at <= until; due = nextDeadline(vm)) {
      now = Math.max(now, due.at);
      record({ kind: 'deadline', at: now });
      if (steps.length > 5000) throw new Error(`the deadline ${due.kind} spins`);
    }
    now = until;
    if (event.kind === 'report') {
      const { sentLateMs, ...report } = event;
      record({ ...report, at: now, sentAt: now - sentLateMs });
    } else {
      record({ ...event, at: now });
    }
  }
  return { steps, vm, now };
}

/** Of its end: a VM below running says why it was stopped, and may end for another reason. */
const reasonOf = ({ state }: Vm): string | null => ('reason' in state && !isBelowRunning(state) ? state.reason : null);
const overJson = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

/** Checks something about every random life. */
function always(check: (life: ReturnType<typeof live>) => void, numRuns = 300): void {
  fc.assert(
    fc.property(specChoices, goodStart, happenings, (choices, startsWell, story) =>
      check(live(choices, startsWell, story)),
    ),
    { numRuns },
  );
}

describe('whatever happens to a VM', () => {
  it('a destroy that is asked for begins, and ends when the machine is gone', () => {
    always(({ vm, now }) => {
      const destroying = next(vm, { kind: 'destroyRequested', at: now });
      expect(destroying.state.name === 'destroying' || hasEnded(destroying.state)).toBe(true);
      expect(
        hasEnded(
          next(destroying, { kind: 'machineGone', at: now, machineId: vm.machineId, nextMachineId: 'm-last' }).state,
        ),
      ).toBe(true);
    });
  });

  it('it ends only by way of a destroy or with its host, and never comes back', () => {
    always(({ steps }) => {
      for (const { event, before, after } of steps) {
        if (hasEnded(before.state)) expect(after).toBe(before);
        // Nobody can destroy what was on a host that is lost.
        else if (hasEnded(after.state) && event.kind !== 'hostLost') expect(before.state.name).toBe('destroying');
        if (before.state.name === 'destroying')
          expect(['destroying', 'destroyed', 'failed']).toContain(after.state.name);
      }
    });
  });

  it('it never has a second reason', () => {
    always(({ steps }) => {
      for (const { before, after } of steps) {
        if (reasonOf(before) !== null) expect(reasonOf(after)).toBe(reasonOf(before));
      }
    });
  });

  it('an event of another machine changes nothing', () => {
    always(({ steps }) => {
      for (const { event, before, after } of steps) {
        const named =
          event.kind === 'machineCreated' ? event.machine.machineId : 'machineId' in event && event.machineId;
        if (named !== false && named !== before.machineId) expect(after).toBe(before);
      }
    });
  });

  it('its timeline is numbered without repeats and stays short', () => {
    always(({ steps }) => {
      for (const { before, after } of steps) {
        expect(after.timeline.length).toBeLessThanOrEqual(TIMELINE_LIMIT);
        expect(after.nextEntryNumber).toBeGreaterThanOrEqual(before.nextEntryNumber);
      }
      const numbers = steps.at(-1)?.after.timeline.map(({ number }) => number) ?? [];
      expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + index));
      expect(steps.at(-1)?.after.nextEntryNumber ?? 2).toBe((numbers.at(-1) ?? 1) + 1);
    });
  });

  it('every state it enters is in the timeline', () => {
    always(({ steps }) => {
      for (const { before, after } of steps) {
        if (before.state.name === after.state.name) continue;
        const added = after.timeline.filter(({ number }) => number >= before.nextEntryNumber);
        expect(added).toContainEqual(expect.objectContaining({ kind: 'state', state: after.state.name }));
      }
    });
  });

  it('left alone it is given up by its maximum lifetime', () => {
    always(({ vm, now }) => {
      const end = Math.max(now, vm.createdAt + vm.spec.maxLifetimeSeconds! * 1000);
      const { state } = letTimePass(vm, end);
      expect(state.name === 'destroying' || hasEnded(state)).toBe(true);
      expect(state.since).toBeLessThanOrEqual(end);
    });
  });

  it('a deadline that is due does something, and a few of them settle any moment', () => {
    always(({ vm, now }) => {
      for (const lateMs of [0, 1, 10_000_000]) {
        let late = vm;
        let fired = 0;
        const moment = Math.max(now, nextDeadline(vm)?.at ?? 0) + lateMs;
        for (let due = nextDeadline(late); due !== null && due.at <= moment; due = nextDeadline(late)) {
          const after = next(late, { kind: 'deadline', at: moment });
          expect(after).not.toBe(late);
          late = after;
          fired += 1;
        }
        expect(fired).toBeLessThanOrEqual(3);
      }
    });
  });

  it('a deadline that is not due does nothing', () => {
    always(({ vm, now }) => {
      const due = nextDeadline(vm);
      const early = due === null ? now : due.at - 1;
      expect(next(vm, { kind: 'deadline', at: early })).toBe(vm);
    });
  });

  it('it survives a trip through JSON, and goes on alike', () => {
    always(({ steps }) => {
      for (const { event, before, after } of steps) {
        expect(overJson(after)).toStrictEqual(after);
        expect(next(overJson(before), event)).toStrictEqual(after);
      }
    }, 60);
  });

  it('what leaves the workflow is JSON', () => {
    always(({ vm, now }) => {
      for (const leaving of [vmView(vm, now), vmMemo(vm, now), timelineView(vm)]) {
        expect(overJson(leaving)).toStrictEqual(leaving);
      }
    });
  });

  it('it says why it is alive exactly as long as it is', () => {
    always(({ vm, now }) => {
      const alive = vm.state.name !== 'destroying' && !hasEnded(vm.state);
      expect(vmView(vm, now).aliveBecause === null).toBe(!alive);
      if (isServing(vm.state)) expect(vmView(vm, now).nextDeadline).toBeDefined();
    });
  });
});
