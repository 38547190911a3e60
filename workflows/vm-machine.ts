import { ActivityCancellationType, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { MachineActivities } from '../domain/activities.ts';
import { TIMEOUTS } from '../domain/timeouts.ts';
import type { VmSpec } from '../domain/vm-spec.ts';
import { machineTaskQueue } from '../domain/wire-names.ts';

const UNLIMITED = { initialInterval: '500ms', backoffCoefficient: 2 } as const;
const heartbeatTimeout = TIMEOUTS.activityHeartbeatSeconds * 1000;

/**
 * The activities of one VM's machine, each with its time-outs and the summary the Web UI shows. Phases end by
 * the deadlines of the domain, so tries are unlimited here and stop with their phase.
 */
export function machineActivities(spec: VmSpec): MachineActivities {
  const taskQueue = machineTaskQueue(spec.provider, workflowInfo().taskQueue);
  const { createMachine } = proxyActivities<MachineActivities>({
    taskQueue,
    summary: `Create a machine on ${spec.provider}`,
    startToCloseTimeout: TIMEOUTS.createAttemptSeconds * 1000,
    heartbeatTimeout,
    retry: { ...UNLIMITED, maximumInterval: '30s' },
    // The destroy that follows must not overtake a create that still runs.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  const { awaitMachineReady } = proxyActivities<MachineActivities>({
    taskQueue,
    summary: `Wait until the machine is ready (${spec.readiness.kind})`,
    startToCloseTimeout: (spec.readiness.timeoutSeconds + TIMEOUTS.activityHeartbeatSeconds) * 1000,
    heartbeatTimeout,
    retry: { ...UNLIMITED, maximumInterval: '5s' },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
  const { confirmUsage } = proxyActivities<MachineActivities>({
    taskQueue,
    summary: 'Ask the agent for its count before an empty VM ends',
    startToCloseTimeout: TIMEOUTS.confirmAttemptSeconds * 1000,
    scheduleToCloseTimeout: TIMEOUTS.confirmTotalSeconds * 1000,
    retry: { ...UNLIMITED, maximumInterval: '5s' },
  });
  const { probeMachine } = proxyActivities<MachineActivities>({
    taskQueue,
    summary: 'Ask the provider whether the machine still runs',
    startToCloseTimeout: TIMEOUTS.probeSeconds * 1000,
    retry: { ...UNLIMITED, maximumInterval: '30s' },
  });
  const { tellDraining } = proxyActivities<MachineActivities>({
    taskQueue,
    summary: 'Tell the agent whether to admit newcomers',
    startToCloseTimeout: TIMEOUTS.confirmAttemptSeconds * 1000,
    retry: { ...UNLIMITED, maximumAttempts: 3 },
  });
  const { destroyMachine } = proxyActivities<MachineActivities>({
    taskQueue,
    summary: 'Destroy the machine and see it gone',
    startToCloseTimeout: TIMEOUTS.destroyAttemptSeconds * 1000,
    heartbeatTimeout,
    retry: { ...UNLIMITED, maximumInterval: TIMEOUTS.destroyBackoffCapSeconds * 1000 },
  });
  return { createMachine, awaitMachineReady, confirmUsage, probeMachine, tellDraining, destroyMachine };
}
