/** A host of the registry that holds its lease, which a test ends by itself. */
import { randomUUID } from 'node:crypto';
import { CompleteAsyncError, Context } from '@temporalio/activity';
import { hostTaskQueue, hostWorkflowId } from '../../domain/wire-names.ts';
import type { runHost } from '../../workflows/host/host.ts';
import { hostReadySignal, type HostReady } from '../../workflows/messages.ts';
import { eventually } from '../eventually.ts';
import type { TestServer } from '../temporal-server.ts';
import { runWorker } from './vm-harness.ts';

export interface LeasedHost {
  hostId: string;
  path: string;
  /** Of the leases that it has had. */
  tokens: Uint8Array[];
  /** It says that it is ready, and holds a lease again. */
  arrive: () => Promise<void>;
  /** It lets its lease go, and is away. */
  leave: () => Promise<void>;
  stop: () => Promise<void>;
}

const BEAT_MS = 2000;

/** Resolves once the host holds its lease. `machines`: how many it says that it has. `beats`: until it leaves; else for 10 s. */
export async function startLeasedHost(
  server: TestServer,
  { queue, machines = 0, beats = false }: { queue: string; machines?: number; beats?: boolean },
): Promise<LeasedHost> {
  const hostId = `h-${randomUUID().slice(0, 8)}`;
  const tokens: Uint8Array[] = [];
  const status = { free: { cpus: 2, memoryMb: 1024, diskGb: 5 }, machines };
  const holdLease = async (): Promise<never> => {
    const { taskToken } = Context.current().info;
    tokens.push(taskToken);
    await server.client.activity.heartbeat(taskToken, status);
    throw new CompleteAsyncError();
  };
  const stop = await runWorker(server, { taskQueue: hostTaskQueue(hostId, queue), activities: { holdLease } });
  const facts: HostReady['facts'] = {
    ...{ version: '1.2.3', providers: ['local'], capacity: { cpus: 4, memoryMb: 4096, diskGb: 9 }, zone: 'attic' },
    ...{ labels: { disk: 'ssd' }, address: '10.0.0.7:7401', fingerprint: null, lostSeconds: 600 },
  };
  const arrive = async (): Promise<void> => {
    const before = tokens.length;
    await server.client.workflow.signalWithStart<typeof runHost, [HostReady]>('host', {
      ...{ workflowId: hostWorkflowId(hostId, queue), taskQueue: queue, args: [{ hostId }] },
      ...{ signal: hostReadySignal, signalArgs: [{ incarnation: randomUUID(), facts }] },
    });
    await eventually(() => {
      if (tokens.length === before) throw new Error(`${hostId} was given no lease`);
    });
  };
  await arrive();
  const beat = (): void => void server.client.activity.heartbeat(tokens.at(-1)!, status).catch(() => undefined);
  const beating = beats ? setInterval(beat, BEAT_MS) : undefined;
  return {
    ...{ hostId, path: `/v1/hosts/${hostId}`, tokens, arrive },
    leave: () => server.client.activity.complete(tokens.at(-1)!, status),
    stop: () => {
      clearInterval(beating);
      return stop();
    },
  };
}
