/** What goes wrong in a storm: a pure function of its seed, so a seed brings a failure back. */
import { seededRandom } from '../seeded-random.ts';
import type { ActivityName } from '../trials/faulty-activities.ts';

/** An image is made for a snapshot, beside a VM that goes on, or as the VM is closed. */
const IMAGING = ['snapshot', 'close'] as const;

/** Where in a life it happens: in an activity, or while the workflow waits with nothing under way. */
export type StormStep =
  Exclude<ActivityName, 'makeImage' | 'deleteImage' | 'resetMachine'> | (typeof IMAGING)[number] | 'running';

/** The activity in which it happens, undefined for none. */
export function activityOf(step: StormStep): ActivityName | undefined {
  if (step === 'running') return undefined;
  return step === 'snapshot' || step === 'close' ? 'makeImage' : step;
}

export type StormFault =
  /** Fails before it does anything. */
  | 'error'
  /** Hangs without a heartbeat until its time-out; the try that timed out goes on and comes late. */
  | 'timeout'
  /** Does its work; the reply is lost. */
  | 'lostReply'
  /** Runs two times at once. */
  | 'duplicate'
  /** kill -9 of the whole worker. */
  | 'kill'
  | 'cancel'
  | 'terminate';

/** One life and the one thing that goes wrong in it. `fault` is null for a life that others' faults must not touch. */
export interface StormLife {
  id: string;
  step: StormStep;
  fault: StormFault | null;
  /** Whether the activity has done its work when it happens. */
  when: 'before' | 'after';
}

const STEPS = [
  'createMachine',
  'awaitMachineReady',
  'confirmUsage',
  'tellDraining',
  'probeMachine',
  'stopMachine',
  'startMachine',
  'suspendMachine',
  'resumeMachine',
  'adoptMachine',
  ...IMAGING,
  'destroyMachine',
] as const satisfies readonly StormStep[];
const WHENS = ['before', 'after'] as const;
const TWO_SIDED = ['timeout', 'kill', 'cancel', 'terminate'] as const satisfies readonly StormFault[];

type Cell = Omit<StormLife, 'id'>;

/** Every step with every fault. */
export const STORM_CELLS: readonly Cell[] = [
  ...STEPS.flatMap((step): Cell[] => [
    { step, fault: 'error', when: 'before' },
    { step, fault: 'lostReply', when: 'after' },
    { step, fault: 'duplicate', when: 'before' },
    ...TWO_SIDED.flatMap((fault) => WHENS.map((when) => ({ step, fault, when }))),
  ]),
  ...(['kill', 'cancel', 'terminate'] as const).map((fault): Cell => ({ step: 'running', fault, when: 'before' })),
];

/** What guests live through too: they are not suspended, have disks only where they ask for one, and a pool of them takes long. */
const OF_GUESTS: readonly StormStep[] = STEPS.slice(0, STEPS.indexOf('suspendMachine'));

/** The cells of a storm on a provider. */
export function stormCells(provider: StormProvider): readonly Cell[] {
  if (provider === 'local') return STORM_CELLS;
  return STORM_CELLS.filter(({ step }) => [...OF_GUESTS, 'destroyMachine', 'running'].includes(step));
}

export type StormProvider = 'local' | 'qemu';

/** Every so many lives one has users all the time and no fault of its own. */
const BYSTANDER_EACH = 6;

/** The lives of a storm in the order in which they start: all cells in a mixed order, over again when there are more. */
export function planStorm(seed: number, lives: number, provider: StormProvider = 'local'): StormLife[] {
  const random = seededRandom(seed);
  const plan: StormLife[] = [];
  let cells: Cell[] = [];
  while (plan.length < lives) {
    const id = `life-${plan.length}`;
    if (plan.length % BYSTANDER_EACH === 0) {
      plan.push({ id, step: 'running', fault: null, when: 'before' });
      continue;
    }
    if (cells.length === 0) cells = shuffled(stormCells(provider), random);
    plan.push({ id, ...cells.pop()! });
  }
  return plan;
}

function shuffled<Item>(items: readonly Item[], random: (below: number) => number): Item[] {
  const mixed = [...items];
  for (let at = mixed.length - 1; at > 0; at -= 1) {
    const other = random(at + 1);
    [mixed[at], mixed[other]] = [mixed[other]!, mixed[at]!];
  }
  return mixed;
}
