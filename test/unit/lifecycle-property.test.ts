import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EMPTY_END_REASON, nextDeadline } from '../../domain/deadlines.ts';
import { next } from '../../domain/next.ts';
import type { VmEvent } from '../../domain/vm-events.ts';
import { TIMELINE_LIMIT, hasEnded, isServing, type Vm } from '../../domain/vm-state.ts';
import { timelineView, vmMemo, vmView } from '../../domain/vm-view.ts';
import { MACHINE, MACHINE_ID, Life, createdVm, letTimePass, type SpecChoices } from './vm-life.ts';

const seconds = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1500 }));

const specChoices: fc.Arbitrary<SpecChoices> = fc.record({
  readiness: fc.record({
    kind: fc.constantFrom('agent' as const, 'http' as const, 'tcp' as const, 'machine' as const),
    timeoutSeconds: seconds,
  }),
  idle: fc.record({
    timeoutSeconds: seconds,
    firstConnectTimeoutSeconds: seconds,
    silenceTimeoutSeconds: seconds,
  }),
  softLifetimeSeconds: fc.option(seconds, { nil: null }),
  maxLifetimeSeconds: fc.integer({ min: 1, max: 4000 }),
});

const machineId = fc.oneof({ weight: 9, arbitrary: fc.constant(MACHINE_ID) }, { weight: 1, arbitrary: fc.string() });
const sequence = fc.integer({ min: 0, max: 60 });
const connections = fc.oneof(fc.constant(0), fc.constant(0), fc.constantFrom(1, 2, 300));
const kind = <Kind extends VmEvent['kind']>(name: Kind): fc.Arbitrary<Kind> => fc.constant(name);

/** Any event with anything in it, and how long after the one before it comes. */
const happening = fc.record({
  afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 0, max: 400_000 })),
  event: fc.oneof(
    fc.record({ kind: kind('machineCreated'), machine: fc.record({ machineId }).map((id) => ({ ...MACHINE, ...id })) }),
    fc.record({ kind: kind('createFailed'), detail: fc.string() }),
    fc.record({
      kind: kind('machineReady'),
      machineId,
      usage: fc.option(fc.record({ sequence, connections })),
    }),
    fc.record({ kind: kind('notReady'), machineId: fc.string(), detail: fc.string() }),
    fc.record({ kind: kind('report'), machineId, sequence, connections, sentLateMs: fc.nat({ max: 60_000 }) }),
    fc.record({ kind: kind('report'), machineId, sequence, connections, sentLateMs: fc.constant(0) }),
    fc.record({ kind: kind('connections'), connections }),
    fc.record({ kind: kind('confirmAnswered'), machineId, sequence, connections }),
    fc.record({ kind: kind('confirmUnanswered'), machineId }),
    fc.record({ kind: kind('confirmByReport'), machineId }),
    fc.record({ kind: kind('probed'), machineId, alive: fc.boolean() }),
    fc.record({ kind: kind('machineLost'), machineId: fc.string() }),
    fc.record({ kind: kind('drain') }),
    fc.record({ kind: kind('undrain') }),
    fc.record({ kind: kind('drainingTold'), draining: fc.boolean() }),
    fc.record({ kind: kind('hold'), seconds: fc.constantFrom(0, 5, 600, 100_000) }),
    fc.record({ kind: kind('holdOver') }),
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
  let vm = createdVm(choices);
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

const reasonOf = (vm: Vm): string | null => ('reason' in vm.state ? vm.state.reason : null);
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
          next(destroying, { kind: 'machineGone', at: now, machineId: MACHINE_ID, nextMachineId: 'm-next' }).state,
        ),
      ).toBe(true);
    });
  });

  it('it ends only by way of a destroy, and never comes back', () => {
    always(({ steps }) => {
      for (const { before, after } of steps) {
        if (hasEnded(before.state)) expect(after).toBe(before);
        else if (hasEnded(after.state)) expect(before.state.name).toBe('destroying');
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
        if (named !== false && named !== MACHINE_ID) expect(after).toBe(before);
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
      const end = Math.max(now, vm.createdAt + vm.spec.maxLifetimeSeconds * 1000);
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

/**
 * The world around a VM with a truthful agent: the real count, reports that are lost, late, doubled or out of
 * order, answers that are slow or never come, and people who type whatever they like.
 */
const worldStep = fc.oneof(
  fc.record({ do: fc.constant('connect'), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant('leave') }),
  fc.record({ do: fc.constant('report'), fate: fc.constantFrom('arrives', 'late', 'lost') }),
  fc.record({ do: fc.constant('lateReport'), which: fc.nat({ max: 100 }) }),
  fc.record({ do: fc.constant('measureAnswer') }),
  fc.record({ do: fc.constant('answer') }),
  fc.record({ do: fc.constant('noAnswer') }),
  fc.record({ do: fc.constant('cannotBeAsked') }),
  fc.record({ do: fc.constant('probe') }),
  fc.record({ do: fc.constant('type'), count: connections }),
  fc.record({ do: fc.constant('hold'), seconds: fc.constantFrom(0, 1, 500) }),
  fc.record({ do: fc.constant('drain') }),
  fc.record({ do: fc.constant('undrain') }),
  fc.record({ do: fc.constant('pass'), ms: fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.nat({ max: 200_000 })) }),
  fc.record({ do: fc.constant('passToDeadline') }),
);

interface SaidByAgent {
  sequence: number;
  connections: number;
  saidAt: number;
}

class World {
  readonly #life: Life;
  now: number;
  count = 0;
  /** Since when somebody has been there without a break; null while nobody is. */
  busySince: number | null = null;
  #sequence = 1;
  #late: SaidByAgent[] = [];
  /** What the agent said to the question that is open, not yet heard by the workflow. */
  #answer: (SaidByAgent & { askedAt: number }) | null = null;
  /** The last question, kept because it is gone from a VM that ends. */
  askedAt: number | null = null;

  constructor(choices: SpecChoices) {
    this.#life = Life.ready({ ...choices, readiness: { kind: 'agent' }, maxLifetimeSeconds: 1_000_000_000 });
    this.now = this.vm.state.since;
  }

  get vm(): Vm {
    return this.#life.vm;
  }

  record(event: VmEvent): void {
    this.#life.vm = next(this.vm, event);
    if (isServing(this.vm.state) && this.vm.state.confirmation) this.askedAt = this.vm.state.confirmation.askedAt;
  }

  step(step: typeof worldStep extends fc.Arbitrary<infer One> ? One : never): void {
    const open = isServing(this.vm.state) ? this.vm.state.confirmation : null;
    const at = this.now;
    switch (step.do) {
      case 'connect':
        this.count = step.count;
        this.busySince ??= at;
        break;
      case 'leave':
        this.count = 0;
        this.busySince = null;
        break;
      case 'report':
        if (step.fate === 'arrives') this.#deliver(this.#say());
        else if (step.fate === 'late') this.#late.push(this.#say());
        break;
      case 'lateReport':
        if (this.#late.length > 0) this.#deliver(this.#late[step.which % this.#late.length]!);
        break;
      case 'measureAnswer':
        if (open) this.#answer = { ...this.#say(), askedAt: open.askedAt };
        break;
      case 'answer':
        // The workflow drops the answer to a question that is not open any more.
        if (open && this.#answer?.askedAt === open.askedAt) {
          const { sequence, connections: answered } = this.#answer;
          this.record({ kind: 'confirmAnswered', at, machineId: MACHINE_ID, sequence, connections: answered });
        }
        break;
      case 'noAnswer':
        this.record({ kind: 'confirmUnanswered', at, machineId: MACHINE_ID });
        break;
      case 'cannotBeAsked':
        this.record({ kind: 'confirmByReport', at, machineId: MACHINE_ID });
        break;
      case 'probe':
        this.record({ kind: 'probed', at, machineId: MACHINE_ID, alive: true });
        break;
      case 'type':
        this.record({ kind: 'connections', at, connections: step.count });
        break;
      case 'hold':
        this.record({ kind: 'hold', at, seconds: step.seconds });
        break;
      case 'drain':
      case 'undrain':
        this.record({ kind: step.do, at });
        break;
      case 'pass':
        this.#passTo(at + step.ms);
        break;
      case 'passToDeadline':
        this.#passTo(nextDeadline(this.vm)?.at ?? at);
        break;
    }
    this.#passTo(this.now);
  }

  #say(): SaidByAgent {
    this.#sequence += 1;
    return { sequence: this.#sequence, connections: this.count, saidAt: this.now };
  }

  #deliver({ sequence, connections: reported, saidAt }: SaidByAgent): void {
    const report = { sequence, connections: reported, sentAt: saidAt };
    this.record({ kind: 'report', at: this.now, machineId: MACHINE_ID, ...report });
  }

  #passTo(until: number): void {
    for (let due = nextDeadline(this.vm); due !== null && due.at <= until; due = nextDeadline(this.vm)) {
      this.now = Math.max(this.now, due.at);
      this.record({ kind: 'deadline', at: this.now });
    }
    this.now = Math.max(this.now, until);
  }
}

describe('a VM with a truthful agent', () => {
  const emptyEnds: string[] = Object.values(EMPTY_END_REASON);

  it('is never ended as empty while somebody has been there since before the question', () => {
    let endedAsEmpty = 0;
    fc.assert(
      fc.property(specChoices, fc.array(worldStep, { maxLength: 80, size: 'max' }), (choices, steps) => {
        const world = new World(choices);
        for (const step of steps) {
          world.step(step);
          const { state } = world.vm;
          if (state.name !== 'destroying') continue;
          if (!emptyEnds.includes(state.reason)) return;
          endedAsEmpty += 1;
          expect(world.askedAt).not.toBeNull();
          expect(world.busySince === null || world.busySince >= world.askedAt!).toBe(true);
          return;
        }
      }),
      { numRuns: 1500 },
    );
    // The property says something only if such ends are reached at all.
    expect(endedAsEmpty).toBeGreaterThan(50);
  });
});
