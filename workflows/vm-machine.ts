import { ActivityCancellationType, proxyActivities, workflowInfo, type ActivityOptions } from '@temporalio/workflow';
import type { MachineActivities } from '../domain/activities.ts';
import { nextDeadline } from '../domain/deadlines.ts';
import { TIMEOUTS } from '../domain/timeouts.ts';
import { machineBootTaskQueue, machineMaintenanceTaskQueue, machineTaskQueue } from '../domain/wire-names.ts';
import type { VmLife } from './vm-life.ts';

const UNLIMITED = { initialInterval: '500ms', backoffCoefficient: 2 } as const;
const heartbeatTimeout = TIMEOUTS.activityHeartbeatSeconds * 1000;

/**
 * The activities of one VM's machine, each with its time-outs and the summary the Web UI shows. Tries are
 * unlimited: what ends them is the VM's next deadline (so no timer has to run beside them), or the state that
 * no longer needs them.
 */
export function machineActivities(life: VmLife): MachineActivities {
  const { spec } = life.vm;
  const controlTaskQueue = workflowInfo().taskQueue;
  const callOn =
    (taskQueueOf: typeof machineTaskQueue) =>
    (options: Omit<ActivityOptions, 'taskQueue'>): MachineActivities =>
      proxyActivities<MachineActivities>({ taskQueue: taskQueueOf(spec.provider, controlTaskQueue), ...options });
  const create = callOn(machineTaskQueue);
  const boot = callOn(machineBootTaskQueue);
  const maintain = callOn(machineMaintenanceTaskQueue);
  const untilNextDeadline = (): number => Math.max(1, (nextDeadline(life.vm)?.at ?? Infinity) - Date.now());
  return {
    createMachine: (input) =>
      create({
        summary: `Create a machine on ${spec.provider}`,
        startToCloseTimeout: TIMEOUTS.createAttemptSeconds * 1000,
        scheduleToCloseTimeout: untilNextDeadline(),
        heartbeatTimeout,
        retry: { ...UNLIMITED, maximumInterval: '30s' },
        // The destroy that follows must not overtake a create that still runs.
        cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      }).createMachine(input),
    awaitMachineReady: (input) =>
      boot({
        summary: `Wait until the machine is ready (${spec.readiness.kind})`,
        scheduleToCloseTimeout: untilNextDeadline(),
        heartbeatTimeout,
        retry: { ...UNLIMITED, maximumInterval: '5s' },
        cancellationType: ActivityCancellationType.TRY_CANCEL,
      }).awaitMachineReady(input),
    confirmUsage: (input) =>
      maintain({
        summary: 'Ask the agent for its count before an empty VM ends',
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
        // The question whether the VM is empty waits for this, and no timer runs beside it.
        scheduleToCloseTimeout: TIMEOUTS.confirmTotalSeconds * 1000,
        retry: { ...UNLIMITED, maximumAttempts: 3 },
      }).tellDraining(input),
    destroyMachine: (input) =>
      maintain({
        summary: 'Destroy the machine and see it gone',
        startToCloseTimeout: TIMEOUTS.destroyAttemptSeconds * 1000,
        heartbeatTimeout,
        retry: { ...UNLIMITED, maximumInterval: TIMEOUTS.destroyBackoffCapSeconds * 1000 },
      }).destroyMachine(input),
  };
}
