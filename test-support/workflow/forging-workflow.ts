/** A workflow of somebody who may write to Temporal: it asks a host for whatever its input says. */
import { proxyActivities } from '@temporalio/workflow';

export interface ForgedCall {
  /** Of the hosts. */
  taskQueue: string;
  activity: string;
  input: object;
}

export async function vm({ taskQueue, activity, input }: ForgedCall): Promise<unknown> {
  const host = proxyActivities<Record<string, (input: object) => Promise<unknown>>>({
    taskQueue,
    startToCloseTimeout: '30s',
    retry: { maximumAttempts: 1 },
  });
  return host[activity]?.(input);
}
