import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import { SWEEP, type SweepActivities, type SweepInput, type SweepReport } from '../domain/sweep.ts';
import { TIMEOUTS } from '../domain/timeouts.ts';
import { machineMaintenanceTaskQueue } from '../domain/wire-names.ts';

/** One sweep of every provider. Started by a schedule, or by hand as a dry run. */
export async function runSweep({ dryRun, providers }: SweepInput): Promise<SweepReport[]> {
  return Promise.all(
    providers.map((provider) => {
      const { sweepMachines } = proxyActivities<SweepActivities>({
        taskQueue: machineMaintenanceTaskQueue(provider, workflowInfo().taskQueue),
        summary: `${dryRun ? 'Look for' : 'Remove'} machines of ${provider} that nobody owns`,
        startToCloseTimeout: SWEEP.attemptSeconds * 1000,
        scheduleToCloseTimeout: SWEEP.totalSeconds * 1000,
        heartbeatTimeout: TIMEOUTS.activityHeartbeatSeconds * 1000,
        retry: { maximumAttempts: SWEEP.tries },
      });
      return sweepMachines({ dryRun });
    }),
  );
}
