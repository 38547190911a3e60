import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { next } from '../../domain/next.ts';
import type { VmEvent } from '../../domain/vm-events.ts';
import { isServing, type Destroying, type Vm } from '../../domain/vm-state.ts';
import { LifecycleWorld, Violation, type Transition } from './lifecycle-world.ts';
import type { SpecChoices } from './vm-life.ts';

/** Repeat a failure with the seed that it printed. */
const SEED = Number(process.env['EPHEMERA_SEED'] ?? Date.now() % 2_147_483_647);
const RUNS = 10_000;

type Act = (world: LifecycleWorld, choice: number) => void;

const pick = <Value>(values: readonly Value[], choice: number): Value => values[choice % values.length]!;
const EFFECTS = ['now', 'now', 'now', 'later', 'never'] as const;
const REPLIES = ['arrives', 'arrives', 'arrives', 'late', 'twice', 'lost'] as const;
const FATES = ['arrives', 'arrives', 'late', 'lost'] as const;

/** What may happen next, each as often as its number says. */
const ACTS: readonly (readonly [name: string, weight: number, act: Act])[] = [
  ['run well', 14, (world) => world.run({ effect: 'now', reply: 'arrives' })],
  ['run', 8, (world, choice) => world.run({ effect: pick(EFFECTS, choice), reply: pick(REPLIES, choice >> 3) })],
  ['fail for good', 1, (world) => world.failForGood()],
  ['late reply', 3, (world, choice) => world.lateReply(choice)],
  ['late effect', 3, (world, choice) => world.lateEffect(choice)],
  ['come', 4, (world, choice) => world.setUsers(choice, 1 + (choice % 3))],
  ['leave', 4, (world, choice) => world.setUsers(choice, 0)],
  ['report', 8, (world, choice) => world.report(choice >> 2, pick(FATES, choice))],
  ['late mail', 3, (world, choice) => world.lateMail(choice)],
  ['a moment', 3, (world, choice) => world.passTo(world.now + (choice % 3000))],
  ['some time', 8, (world, choice) => world.passTo(world.now + (choice % 150_000))],
  ['vanish', 1, (world, choice) => world.vanish(choice >> 1, choice % 2 === 0)],
  ['sweep looks', 2, (world) => world.sweepLooks()],
  ['sweep acts', 2, (world) => world.sweepActs()],
  ['worker dies', 1, (world) => world.workerDies()],
  ['worker returns', 3, (world) => world.workerReturns()],
  ['create', 3, (world) => world.create()],
  ['destroy', 1, (world) => world.send({ kind: 'destroyRequested' })],
  ['force', 1, (world) => world.send({ kind: 'destroyForced' })],
  ['cancel', 1, (world) => world.send({ kind: 'cancelled' })],
  ['terminate', 1, (world) => world.terminate()],
  ['drain', 1, (world) => world.send({ kind: 'drain' })],
  ['undrain', 1, (world) => world.send({ kind: 'undrain' })],
  ['hold', 1, (world, choice) => world.send({ kind: 'hold', seconds: pick([0, 30, 600], choice) })],
];
const WHEEL = ACTS.flatMap(([name, weight, act]) => Array.from({ length: weight }, () => [name, act] as const));

const specs: readonly SpecChoices[] = (['destroy', 'recreate'] as const).flatMap((onLost) =>
  [null, 200].map((softLifetimeSeconds) => ({
    onLost,
    softLifetimeSeconds,
    maxLifetimeSeconds: 2000,
    idle: { timeoutSeconds: 40, firstConnectTimeoutSeconds: 90, silenceTimeoutSeconds: 60 },
  })),
);

/** Lives one story, then lets the world heal. Throws what was wrong, with the story. */
function live(transition: Transition, spec: number, story: readonly number[]): LifecycleWorld {
  const world = new LifecycleWorld(pick(specs, spec >> 1), transition, spec % 2 === 0 ? 'link' : 'report');
  const told: string[] = [];
  try {
    for (const turn of story) {
      const [name, act] = pick(WHEEL, turn);
      told.push(name);
      act(world, Math.floor(turn / WHEEL.length));
      world.check();
    }
    told.push('heal');
    world.heal();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    throw new Violation(`${error.message}, after: ${told.join(', ')} (EPHEMERA_SEED=${SEED})`);
  }
  return world;
}

const stories = fc.tuple(fc.nat(7), fc.array(fc.nat(1_000_000_000), { maxLength: 60, size: 'max' }));

function explore(
  transition: Transition,
  { seed, numRuns }: { seed: number; numRuns: number },
  seen: (world: LifecycleWorld) => void = () => undefined,
): void {
  fc.assert(
    fc.property(stories, ([spec, story]) => seen(live(transition, spec, story))),
    { seed, numRuns },
  );
}

describe(`${RUNS} lives in which everything goes wrong (EPHEMERA_SEED=${SEED})`, () => {
  it(
    'leak no machine, double none, end nobody who is used, and leave nothing to a later life',
    { timeout: 120_000 },
    () => {
      const ends = new Map<string, number>();
      let laterLives = 0;
      explore(next, { seed: SEED, numRuns: RUNS }, ({ lives }) => {
        laterLives += lives.length - 1;
        for (const { vm, end } of lives) {
          const name = `${end} ${'reason' in vm.state ? vm.state.reason : ''}`;
          ends.set(name, (ends.get(name) ?? 0) + 1);
        }
      });
      // They say something only if all of this is reached.
      expect(laterLives).toBeGreaterThan(RUNS / 10);
      for (const reason of ['idle', 'neverConnected', 'softLifetime', 'drained', 'requested', 'cancelled', 'lost']) {
        expect(ends.get(`seenGone ${reason}`), reason).toBeGreaterThan(20);
      }
      expect(ends.get('letGo requested')).toBeGreaterThan(20);
    },
  );
});

/** Always the same: which of its violations a wrong lifecycle shows first differs from seed to seed. */
const MUTANTS_SEED = 1;

/** Lifecycles that are wrong in one point each, and what is seen of it. */
const MUTANTS: Readonly<Record<string, readonly [seen: RegExp, mutant: Transition]>> = {
  'ends an empty VM without asking': [
    /a VM in use was ended/,
    (vm, event) => {
      const after = next(vm, event);
      if (!isServing(after.state) || !after.state.confirmation || event.kind !== 'deadline') return after;
      const { machineId } = vm;
      return next(after, { kind: 'confirmAnswered', at: event.at, machineId, sequence: 1e9, connections: 0 });
    },
  ],
  'takes reports of any machine': [
    /report of m-\d+ changed a VM/,
    (vm, event) => next(vm, event.kind === 'report' ? { ...event, machineId: vm.machineId } : event),
  ],
  'takes a reply that another machine is gone': [
    /machineGone of m-\d+ changed a VM/,
    (vm, event) => next(vm, event.kind === 'machineGone' ? { ...event, machineId: vm.machineId } : event),
  ],
  'does not wait until it has seen the machine gone': [
    /outlived the confirmed end/,
    (vm, event) => gone(next(vm, event), event, ({ then }) => then === 'end'),
  ],
  'does not try its destroy again when something happens meanwhile': [
    /outlived the confirmed end/,
    (vm, event) => (vm.state.name === 'destroying' ? gone(vm, event, () => true) : next(vm, event)),
  ],
  'replaces a machine before the lost one is destroyed': [
    /two machines for one name|outlived the confirmed end|changed a VM whose machine is/,
    (vm, event) => gone(next(vm, event), event, ({ then }) => then === 'recreate'),
  ],
  'does not end by itself': [
    /spins|lives on/,
    (vm, event) => (event.kind === 'deadline' && isServing(vm.state) ? vm : next(vm, event)),
  ],
};

function gone(vm: Vm, { at }: VmEvent, when: (state: Destroying) => boolean): Vm {
  if (vm.state.name !== 'destroying' || !when(vm.state)) return vm;
  return next(vm, { kind: 'machineGone', at, machineId: vm.machineId, nextMachineId: `${vm.machineId}-next` });
}

describe('a lifecycle that is wrong in one point is found out: one that', () => {
  it.each(Object.keys(MUTANTS))('%s', { timeout: 60_000 }, (name) => {
    const [seen, mutant] = MUTANTS[name]!;
    let found: unknown;
    try {
      explore(mutant, { seed: MUTANTS_SEED, numRuns: RUNS });
    } catch (error) {
      found = (error as Error).cause;
    }
    expect(String(found)).toMatch(seen);
  });
});
