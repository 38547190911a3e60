/** A life of a machine without a VM around it: made by whichever host takes it, destroyed where it is. */
import { proxyActivities, sleep } from '@temporalio/workflow';
import type { CreateMachineInput, MachineActivities } from '../../domain/machine/activities.ts';
import { maintenanceTaskQueueOf } from '../../domain/wire-names.ts';

export async function placedLife(createQueue: string, input: CreateMachineInput, lifeMs: number): Promise<void> {
  const { createMachine } = proxyActivities<MachineActivities>({
    taskQueue: createQueue,
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '30s',
    retry: { initialInterval: '500ms', maximumInterval: '30s' },
  });
  const { machineId, queue } = await createMachine(input);
  await sleep(lifeMs);
  const { destroyMachine } = proxyActivities<MachineActivities>({
    taskQueue: maintenanceTaskQueueOf(queue ?? createQueue),
    startToCloseTimeout: '1 minute',
  });
  await destroyMachine({ machineId });
}
