/**
 * A child process of the memory bench: a worker that caches workflows of one kind, and says what its memory is
 * before and after. Workflows run on the main thread, so that garbage can be collected before each look.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { TEST_NAMESPACE } from '../../test-support/temporal-server.ts';
import { viewQuery } from '../../workflows/messages.ts';
import { inParallel } from '../../lib/waiting/in-parallel.ts';
import type { sleepUntilStopped } from './peer-workflows.ts';
import { chatSpec, startVm } from './start-vm.ts';
import { installQuietRuntime, peerWorkflowBundle, runBenchWorker, vmWorkflowBundle } from './workers.ts';

/** What the parent asks for. */
export interface CacheOrder {
  kind: 'vm' | 'peer';
  address: string;
  taskQueue: string;
  /** Cached before the first look: they pay for what is shared by all. */
  warmUp: number;
  count: number;
}

export interface MemoryLook {
  rssBytes: number;
  heapUsedBytes: number;
}

/** What the child answers. */
export interface CacheAnswer {
  before: MemoryLook;
  after: MemoryLook;
}

const IN_FLIGHT = 50;

process.once('message', (order: CacheOrder) => {
  void fill(order).then((answer) => {
    process.send?.(answer);
    process.disconnect();
  });
});

async function fill({ kind, address, taskQueue, warmUp, count }: CacheOrder): Promise<CacheAnswer> {
  installQuietRuntime();
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace: TEST_NAMESPACE });
  const stop = await runBenchWorker(address, {
    taskQueue,
    workflowBundle: await (kind === 'vm' ? vmWorkflowBundle() : peerWorkflowBundle()),
    maxCachedWorkflows: warmUp + count,
    debugMode: true,
  });
  const start = kind === 'vm' ? startCachedVm : startCachedPeer;
  await inParallel(Array(warmUp).keys(), IN_FLIGHT, (index) => start(client, taskQueue, `warm-up-${index}`));
  const before = await look();
  await inParallel(Array(count).keys(), IN_FLIGHT, (index) => start(client, taskQueue, `cached-${index}`));
  const after = await look();
  await stop();
  await connection.close();
  return { before, after };
}

/** A VM that runs and has its deadline timer. */
async function startCachedVm(client: Client, taskQueue: string, name: string): Promise<void> {
  const handle = await startVm(client, taskQueue, `${taskQueue}-${name}`, chatSpec());
  while ((await handle.query(viewQuery)).state !== 'running') await sleep(100);
}

async function startCachedPeer(client: Client, taskQueue: string, name: string): Promise<void> {
  const handle = await client.workflow.start<typeof sleepUntilStopped>('sleepUntilStopped', {
    workflowId: `${taskQueue}-${name}`,
    taskQueue,
  });
  // A query is answered only once the workflow is in the cache.
  await handle.query('__stack_trace');
}

async function look(): Promise<MemoryLook> {
  if (globalThis.gc === undefined) throw new Error('start this with node --expose-gc');
  let last = Infinity;
  for (let round = 0; round < 20; round += 1) {
    globalThis.gc();
    await sleep(200);
    const { rss } = process.memoryUsage();
    if (round > 4 && Math.abs(rss - last) < 256 * 1024) break;
    last = rss;
  }
  const { rss, heapUsed } = process.memoryUsage();
  return { rssBytes: rss, heapUsedBytes: heapUsed };
}
