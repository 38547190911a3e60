import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  proxyActivities,
  TimeoutFailure,
  workflowInfo,
  type ActivityOptions,
} from '@temporalio/workflow';
import { ACTIVITY_FAILURE, type CreateMachineInput, type MachineActivities } from '../../domain/machine/activities.ts';
import type { ProviderErrorCode } from '../../domain/machine/error-codes.ts';
import type { MachineFacts } from '../../domain/machine/provider.ts';
import { placeOf } from '../../domain/machine/place.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { createLaneOf } from '../../domain/capacity/create-lanes.ts';
import {
  bootTaskQueueOf,
  createTaskQueue,
  hostMachineTaskQueue,
  maintenanceTaskQueueOf,
  machineTaskQueue,
} from '../../domain/wire-names.ts';
import type { MachineOwner } from './machine-owner.ts';

const UNLIMITED = { initialInterval: '500ms', backoffCoefficient: 2 } as const;
const DISK_FULL: ProviderErrorCode = 'diskFull';
const heartbeatTimeout = TIMEOUTS.activityHeartbeatSeconds * 1000;

/**
 * A host that began a create and stopped answering has perhaps made the machine: another host must not go on with it, and
 * the owner asks again for another one. The names of time-outs are the server's own.
 */
const PLACE_LOST_TYPES = [
  'TemporalTimeout:Heartbeat',
  'TemporalTimeout:StartToClose',
  ACTIVITY_FAILURE.placeLost,
] satisfies string[];

/**
 * The activities of the machine of one owner, each with its time-outs and the summary the Web UI shows. Tries are
 * unlimited: what ends them is the owner's next deadline (so no timer has to run beside them), or the state that
 * no longer needs them.
 */
export function machineActivities(owner: MachineOwner): MachineActivities {
  const { spec } = owner;
  const controlTaskQueue = workflowInfo().taskQueue;
  const callOn =
    (taskQueue: () => string) =>
    (options: Parameters<Call>[0]): MachineActivities =>
      proxyActivities<MachineActivities>({ taskQueue: taskQueue(), ...options });
  // A machine of which nobody knows whether it was made is looked for where any host of the provider may answer.
  const queueOfPlace = (): string =>
    owner.machine === null
      ? machineTaskQueue(spec.provider, controlTaskQueue)
      : placeOf(owner.machine, controlTaskQueue).queue;
  const boot = callOn(() => bootTaskQueueOf(queueOfPlace()));
  const maintain = callOn(() => maintenanceTaskQueueOf(queueOfPlace()));
  const untilNextDeadline = (): number => Math.max(1, owner.msToDeadline());
  return {
    createMachine: (input) => createOf(owner, callOn, untilNextDeadline, input),
    awaitMachineReady: (input) =>
      boot({
        summary: `Wait until the machine is ready (${spec.readiness.kind})`,
        scheduleToCloseTimeout: untilNextDeadline(),
        heartbeatTimeout,
        retry: { ...UNLIMITED, maximumInterval: '5s' },
        cancellationType: ActivityCancellationType.TRY_CANCEL,
      }).awaitMachineReady(input),
    adoptMachine: (input) =>
      maintain({
        summary: `Adopt the machine of ${input.from}`,
        startToCloseTimeout: TIMEOUTS.adoptAttemptSeconds * 1000,
        scheduleToCloseTimeout: Math.min(TIMEOUTS.adoptTotalSeconds * 1000, untilNextDeadline()),
        retry: { ...UNLIMITED, maximumInterval: '5s' },
        // What was begun may have been done; whoever gives it up gives the machine back.
        cancellationType: ActivityCancellationType.TRY_CANCEL,
      }).adoptMachine(input),
    ...questions(maintain, untilNextDeadline),
    ...power(maintain, boot, untilNextDeadline),
    ...images(maintain),
    destroyMachine: (input) =>
      maintain({
        summary: 'Destroy the machine and see it gone',
        startToCloseTimeout: TIMEOUTS.destroyAttemptSeconds * 1000,
        heartbeatTimeout,
        retry: { ...UNLIMITED, maximumInterval: TIMEOUTS.destroyBackoffCapSeconds * 1000 },
      }).destroyMachine(input),
  };
}

type Call = (options: Omit<ActivityOptions, 'taskQueue'>) => MachineActivities;

type CallOn = (taskQueue: () => string) => Call;

/** A create waits for a host that takes it; where one is preferred, that is asked alone first. */
function createOf(
  owner: MachineOwner,
  callOn: CallOn,
  untilNextDeadline: () => number,
  input: CreateMachineInput,
): Promise<MachineFacts> {
  const { spec, prefers, placement } = owner;
  const oneTry = (): Partial<ActivityOptions> => ({
    startToCloseTimeout: TIMEOUTS.createAttemptSeconds * 1000,
    scheduleToCloseTimeout: untilNextDeadline(),
    heartbeatTimeout,
    // The destroy that follows must not overtake a create that still runs.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  const ofOneHost = placement === 'host' ? { nonRetryableErrorTypes: [...PLACE_LOST_TYPES] } : {};
  const anywhere = (): Promise<MachineFacts> =>
    inEachZone(owner, (zone) =>
      callOn(() => createQueue(owner, zone))({
        summary: `Create a machine on ${spec.provider}${zone === null ? '' : ` in ${zone}`}`,
        ...zonePatience(owner),
        ...oneTry(),
        retry: { ...UNLIMITED, maximumInterval: '30s', ...ofOneHost },
      }).createMachine(zone === null ? input : { ...input, zone }),
    );
  if (prefers === undefined || spec.startFrom !== undefined) return anywhere();
  const { taskQueue } = workflowInfo();
  const there = callOn(() => bootTaskQueueOf(hostMachineTaskQueue(spec.provider, prefers, taskQueue)))({
    summary: `Create a machine on ${spec.provider} at host ${prefers}, which has the fewest of the pool`,
    ...oneTry(),
    scheduleToStartTimeout: TIMEOUTS.preferredHostSeconds * 1000,
    retry: { maximumAttempts: 1 },
  });
  return there.createMachine(input).catch((error: unknown) => {
    if (nobodyTookIt(error) || isHandedBack(error)) return anywhere();
    throw error;
  });
}

/** A machine that keeps its disk, or its memory too. Neither what follows a stop nor what follows a reset may overtake it. */
function power(
  maintain: Call,
  boot: Call,
  untilNextDeadline: () => number,
): Pick<MachineActivities, 'stopMachine' | 'resetMachine' | 'startMachine' | 'suspendMachine' | 'resumeMachine'> {
  return {
    stopMachine: (input) =>
      maintain({
        summary: 'Stop the machine; its disk stays',
        startToCloseTimeout: TIMEOUTS.stopAttemptSeconds * 1000,
        heartbeatTimeout,
        retry: { ...UNLIMITED, maximumInterval: TIMEOUTS.destroyBackoffCapSeconds * 1000 },
        cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      }).stopMachine(input),
    resetMachine: (input) =>
      maintain({
        summary: 'Reset the stopped machine',
        startToCloseTimeout: TIMEOUTS.startAttemptSeconds * 1000,
        scheduleToCloseTimeout: untilNextDeadline(),
        heartbeatTimeout,
        retry: { ...UNLIMITED, maximumInterval: '10s' },
        cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      }).resetMachine(input),
    startMachine: (input) =>
      boot({
        summary: 'Start the stopped machine',
        startToCloseTimeout: TIMEOUTS.startAttemptSeconds * 1000,
        scheduleToCloseTimeout: untilNextDeadline(),
        heartbeatTimeout,
        retry: { ...UNLIMITED, maximumInterval: '10s' },
        cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      }).startMachine(input),
    suspendMachine: (input) =>
      maintain({
        summary: 'Suspend the machine; its memory and its disk stay',
        startToCloseTimeout: TIMEOUTS.stopAttemptSeconds * 1000,
        heartbeatTimeout,
        retry: { ...UNLIMITED, maximumInterval: TIMEOUTS.destroyBackoffCapSeconds * 1000 },
        cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      }).suspendMachine(input),
    resumeMachine: (input) =>
      boot({
        summary: 'Resume the suspended machine',
        startToCloseTimeout: TIMEOUTS.startAttemptSeconds * 1000,
        scheduleToCloseTimeout: untilNextDeadline(),
        heartbeatTimeout,
        retry: { ...UNLIMITED, maximumInterval: '10s' },
        cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      }).resumeMachine(input),
  };
}

/** What is made of the disk of a machine that is stopped. */
function images(maintain: Call): Pick<MachineActivities, 'makeImage' | 'deleteImage'> {
  return {
    makeImage: (input) =>
      maintain({
        summary: `Make an image of the stopped machine for the family ${input.family}`,
        startToCloseTimeout: TIMEOUTS.imageAttemptSeconds * 1000,
        scheduleToCloseTimeout: TIMEOUTS.imageTotalSeconds * 1000,
        heartbeatTimeout,
        // The disk is kept where it is, and who asked learns soon what is in the way.
        retry: { ...UNLIMITED, maximumInterval: '30s', nonRetryableErrorTypes: [DISK_FULL] },
        // The destroy that may follow must not overtake it.
        cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      }).makeImage(input),
    deleteImage: (input) =>
      maintain({
        summary: `Delete image ${input.imageId}`,
        startToCloseTimeout: TIMEOUTS.imageDeleteAttemptSeconds * 1000,
        scheduleToCloseTimeout: TIMEOUTS.imageTotalSeconds * 1000,
        heartbeatTimeout,
        retry: { ...UNLIMITED, maximumInterval: TIMEOUTS.destroyBackoffCapSeconds * 1000 },
      }).deleteImage(input),
  };
}

/** What is asked of a machine while it serves, and told to it. */
function questions(
  maintain: Call,
  untilNextDeadline: () => number,
): Pick<MachineActivities, 'confirmUsage' | 'probeMachine' | 'tellDraining'> {
  return {
    confirmUsage: (input) =>
      maintain({
        summary: 'Ask the agent for its count before an empty machine ends',
        startToCloseTimeout: TIMEOUTS.confirmAttemptSeconds * 1000,
        scheduleToCloseTimeout: Math.min(TIMEOUTS.confirmTotalSeconds * 1000, untilNextDeadline()),
        retry: { ...UNLIMITED, maximumInterval: '5s' },
      }).confirmUsage(input),
    probeMachine: (input) =>
      maintain({
        summary: 'Ask the provider whether the machine still runs',
        startToCloseTimeout: TIMEOUTS.probeSeconds * 1000,
        retry: { ...UNLIMITED, maximumInterval: '30s' },
      }).probeMachine(input),
    tellDraining: (input) =>
      maintain({
        summary: 'Tell the agent whether to admit newcomers',
        startToCloseTimeout: TIMEOUTS.confirmAttemptSeconds * 1000,
        // The question whether the machine is empty waits for this, and no timer runs beside it.
        scheduleToCloseTimeout: TIMEOUTS.confirmTotalSeconds * 1000,
        retry: { ...UNLIMITED, maximumAttempts: 3 },
      }).tellDraining(input),
  };
}

/** Where the create waits: at the host that has its image, where one has; hosts pull by size, zone and labels; clouds are asked by any worker of the provider. */
function createQueue({ placement, spec }: MachineOwner, zone: string | null): string {
  const { taskQueue } = workflowInfo();
  const host = spec.startFrom?.host ?? null;
  if (host !== null) return bootTaskQueueOf(hostMachineTaskQueue(spec.provider, host, taskQueue));
  return placement === 'host'
    ? createTaskQueue(spec.provider, createLaneOf(spec, zone), taskQueue)
    : machineTaskQueue(spec.provider, taskQueue);
}

/** A zone in which no host takes the create for a while is left for the next one, where there is another. */
function zonePatience({ placement, spec }: MachineOwner): Pick<ActivityOptions, 'scheduleToStartTimeout'> {
  const isFree = placement === 'host' && spec.hostSelector === undefined && spec.startFrom === undefined;
  const isLeft = isFree && spec.zones.length > 1;
  return isLeft ? { scheduleToStartTimeout: TIMEOUTS.zonePatienceSeconds * 1000 } : {};
}

/** Zones of hosts are tried in their order, over and over; clouds try their zones themselves. */
async function inEachZone<Result>(
  owner: MachineOwner,
  create: (zone: string | null) => Promise<Result>,
): Promise<Result> {
  const { zones } = owner.spec;
  if (owner.placement !== 'host' || owner.spec.startFrom?.host) return create(null);
  for (let tries = 0; ; tries += 1) {
    try {
      return await create(zones[tries % zones.length] ?? null);
    } catch (error) {
      if (!nobodyTookIt(error)) throw error;
    }
  }
}

/** What may be tried again has left nothing where it was tried. */
function isHandedBack(error: unknown): boolean {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof ApplicationFailure)) return false;
  const { type, nonRetryable } = error.cause;
  return nonRetryable !== true && type !== ACTIVITY_FAILURE.placeLost;
}

function nobodyTookIt(error: unknown): boolean {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof TimeoutFailure)) return false;
  return error.cause.timeoutType === 'SCHEDULE_TO_START';
}
