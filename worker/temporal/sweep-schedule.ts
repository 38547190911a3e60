import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client, type ScheduleOptions } from '@temporalio/client';
import type { Settings } from '../../config/settings.ts';
import type { SweepInput } from '../../domain/machine/sweep.ts';
import { providersOnHosts } from '../../providers/lookup.ts';
import { imageSweepId, sweepId, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import type { ImageSweepInput } from '../../workflows/messages.ts';

/** Makes sure that the deployment's sweeps run on their schedules, with the settings of this start. */
export async function ensureSweepSchedules(client: Client, settings: Settings): Promise<void> {
  const { deployment, providers, sweepIntervalSeconds, images } = settings;
  const machines: SweepInput = { dryRun: false, providers, onHosts: providersOnHosts(providers) };
  await ensureSchedule(client, settings, {
    id: sweepId(deployment),
    workflowType: WORKFLOW_TYPE.sweep,
    everySeconds: sweepIntervalSeconds,
    input: machines,
  });
  const { dirtySeconds, retentionSeconds, orphanSeconds } = images;
  const kept: ImageSweepInput = { policy: { dirtySeconds, retentionSeconds, orphanSeconds } };
  await ensureSchedule(client, settings, {
    id: imageSweepId(deployment),
    workflowType: WORKFLOW_TYPE.imageSweep,
    everySeconds: images.sweepIntervalSeconds,
    input: kept,
  });
}

interface SweepSchedule {
  id: string;
  workflowType: string;
  everySeconds: number;
  input: SweepInput | ImageSweepInput;
}

async function ensureSchedule(
  client: Client,
  { temporal }: Pick<Settings, 'temporal'>,
  { id, workflowType, everySeconds, input }: SweepSchedule,
): Promise<void> {
  const schedule: Omit<ScheduleOptions, 'scheduleId'> = {
    spec: { intervals: [{ every: everySeconds * 1000 }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
    action: {
      type: 'startWorkflow',
      workflowType,
      workflowId: id,
      taskQueue: temporal.controlTaskQueue,
      args: [input],
    },
  };
  try {
    await client.schedule.create({ scheduleId: id, ...schedule });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule.getHandle(id).update((previous) => ({ ...previous, ...schedule, state: previous.state }));
  }
}
