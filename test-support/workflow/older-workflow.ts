/** Stands in for workflows of a control worker from before creates, boots and the rest had queues of their own. */
import { proxyActivities } from '@temporalio/workflow';
import type { MachineActivities, ProbeAnswer } from '../../domain/machine/activities.ts';

/** Asks and destroys on the one queue there was. */
export async function olderEnd(taskQueue: string, machineId: string): Promise<ProbeAnswer> {
  const { probeMachine, destroyMachine } = proxyActivities<MachineActivities>({
    taskQueue,
    startToCloseTimeout: '10s',
  });
  const answer = await probeMachine({ machineId });
  await destroyMachine({ machineId });
  return answer;
}
