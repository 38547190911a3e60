import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { SweepActivities, SweepInput, SweepReport } from '../domain/sweep.ts';
import { machineMaintenanceTaskQueue } from '../domain/wire-names.ts';

const ATTEMPT_TIMEOUT_MS = 120_000;
const HEARTBEAT_TIMEOUT_MS = 10_000;
/** A sweep that finds no host soon is over: the next one follows anyway. */
const TOTAL_TIMEOUT_MS = 180_000;

/** One sweep of every provider. Started by a schedule, or by hand as a dry run. */
export async function runSweep({ dryRun, providers }: SweepInput): Promise<SweepReport[]> {
  return Promise.all(
    providers.map((provider) => {
      const { sweepMachines } = proxyActivities<SweepActivities>({
        taskQueue: machineMaintenanceTaskQueue(provider, workflowInfo().taskQueue),
        summary: `${dryRun ? 'Look for' : 'Remove'} machines of ${provider} that nobody owns`,
        startToCloseTimeout: ATTEMPT_TIMEOUT_MS,
        scheduleToCloseTimeout: TOTAL_TIMEOUT_MS,
        heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
        retry: { maximumAttempts: 2 },
      });
      return sweepMachines({ dryRun });
    }),
  );
}
