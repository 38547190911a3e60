import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { parseConsoleIdentity, type ConsoleEndpoint } from '../domain/host/console-endpoint.ts';

const ACTIVITY_QUEUE = proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY;
/** A poll is renewed each minute, so a worker that was not seen for longer is gone. */
const SEEN_WITHIN_MS = 90_000;

/** What Temporal says of one queue of activities; the wait is up to five seconds old. */
export interface QueueFacts {
  waiting: number;
  waitSeconds: number;
  /** `seenAt`: epoch ms by Temporal's clock. */
  pollers: { identity: string; seenAt: number }[];
}

/** Rejects where Temporal does not answer. */
export async function describeQueue(client: Client, queue: string): Promise<QueueFacts> {
  const { stats, pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: queue },
    taskQueueType: ACTIVITY_QUEUE,
    reportStats: true,
  });
  const waiting = Number(stats?.approximateBacklogCount ?? 0);
  return {
    waiting,
    waitSeconds: waiting === 0 ? 0 : ageOf(stats?.approximateBacklogAge),
    pollers: pollers.map(({ identity, lastAccessTime }) => ({
      identity: identity ?? '',
      seenAt: Number(lastAccessTime?.seconds ?? 0) * 1000 + (lastAccessTime?.nanos ?? 0) / 1e6,
    })),
  };
}

function ageOf(age: { seconds?: { toString(): string } | null; nanos?: number | null } | null | undefined): number {
  return Number(age?.seconds ?? 0) + (age?.nanos ?? 0) / 1e9;
}

/** Where workers that polled a cloud's maintenance queue lately show consoles, the latest first. */
export async function consoleEndpoints(client: Client, maintenanceQueue: string): Promise<ConsoleEndpoint[]> {
  const { pollers } = await describeQueue(client, maintenanceQueue);
  const lately = pollers.filter(({ seenAt }) => Date.now() - seenAt < SEEN_WITHIN_MS);
  lately.sort((one, other) => other.seenAt - one.seenAt);
  return lately.flatMap(({ identity }) => parseConsoleIdentity(identity) ?? []);
}
