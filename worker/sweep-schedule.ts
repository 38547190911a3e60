import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client, type ScheduleOptions } from '@temporalio/client';
import type { Settings } from '../config/settings.ts';
import type { SweepInput } from '../domain/sweep.ts';
import { sweepId, WORKFLOW_TYPE } from '../domain/wire-names.ts';

/** Makes sure that the deployment's sweep runs on its schedule, with the settings of this start. */
export async function ensureSweepSchedule(client: Client, settings: Settings): Promise<void> {
  const { deployment, providers, temporal, sweepIntervalSeconds } = settings;
  const input: SweepInput = { dryRun: false, providers };
  const schedule: Omit<ScheduleOptions, 'scheduleId'> = {
    spec: { intervals: [{ every: sweepIntervalSeconds * 1000 }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOW_TYPE.sweep,
      workflowId: sweepId(deployment),
      taskQueue: temporal.controlTaskQueue,
      args: [input],
    },
  };
  try {
    await client.schedule.create({ scheduleId: sweepId(deployment), ...schedule });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule
      .getHandle(sweepId(deployment))
      .update((previous) => ({ ...previous, ...schedule, state: previous.state }));
  }
}
