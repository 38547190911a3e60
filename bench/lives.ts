/** Lives per second of the VM workflow with a machine in memory, against a bare workflow of two activities. */
import { randomUUID } from 'node:crypto';
import type { LogEntry } from '@temporalio/worker';
import { startTestServer, type TestServer } from '../test-support/temporal-server.ts';
import { FakeMachines } from '../test-support/workflow/fake-machines.ts';
import { destroySignal } from '../workflows/messages.ts';
import { progress, report, sizeOption } from './harness/bench-report.ts';
import { inParallel } from '../lib/waiting/in-parallel.ts';
import { LIVES_WORKER_OPTIONS, PEER_QUEUE, VM_QUEUE } from './harness/lives-queues.ts';
import type { twoActivities } from './harness/peer-workflows.ts';
import { chatSpec, startVm } from './harness/start-vm.ts';
import { median } from './harness/statistics.ts';
import {
  installQuietRuntime,
  peerWorkflowBundle,
  runBenchHost,
  runBenchWorker,
  vmWorkflowBundle,
} from './harness/workers.ts';

const ROUNDS = sizeOption('rounds', 7);
const LIVES = sizeOption('lives', 400);
const IN_FLIGHT = sizeOption('in-flight', 200);
const MIN_RATIO = 0.55;

/** A VM is asked to end by a signal as soon as its workflow says that it runs. */
installQuietRuntime(({ meta }: LogEntry) => {
  if (meta?.['to'] !== 'running') return;
  void server.client.workflow.getHandle(String(meta['workflowId'])).signal(destroySignal);
});
const server = await startTestServer();
const stops = [...(await startVmWorkers(server)), await startPeerWorker(server)];
try {
  const spec = chatSpec();
  const live = async (): Promise<void> => {
    const handle = await startVm(server.client, VM_QUEUE, `vm-${randomUUID()}`, spec);
    await handle.result();
  };
  const livePeer = async (): Promise<void> => {
    const handle = await server.client.workflow.start<typeof twoActivities>('twoActivities', {
      workflowId: `peer-${randomUUID()}`,
      taskQueue: PEER_QUEUE,
      args: ['machine'],
    });
    await handle.result();
  };
  await livesPerSecond(20, livePeer);
  await livesPerSecond(20, live);
  const peer: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    peer.push(await livesPerSecond(LIVES, livePeer));
    ours.push(await livesPerSecond(LIVES, live));
    progress(`round ${round + 1}: peer ${peer.at(-1)?.toFixed(1) ?? ''}/s, ours ${ours.at(-1)?.toFixed(1) ?? ''}/s`);
  }
  await report({
    name: 'lives',
    lines: [
      {
        what: `lives/s, ${IN_FLIGHT} in flight`,
        peer: median(peer),
        ours: median(ours),
        bar: '>= 0.55 of a bare two-activity workflow',
        met: median(ours) / median(peer) >= MIN_RATIO,
      },
    ],
    raw: { livesPerRound: LIVES, inFlight: IN_FLIGHT, peerLivesPerSecond: peer, oursLivesPerSecond: ours },
    connection: server.connection,
  });
} finally {
  await Promise.all(stops.map((stop) => stop()));
  await server.stop();
}

async function livesPerSecond(count: number, live: () => Promise<void>): Promise<number> {
  const begunAt = performance.now();
  await inParallel(Array(count).keys(), IN_FLIGHT, live);
  return count / ((performance.now() - begunAt) / 1000);
}

async function startVmWorkers({ address }: TestServer): Promise<(() => Promise<void>)[]> {
  const control = await runBenchWorker(address, {
    ...LIVES_WORKER_OPTIONS,
    taskQueue: VM_QUEUE,
    workflowBundle: await vmWorkflowBundle(),
  });
  const host = await runBenchHost(address, VM_QUEUE, {
    ...LIVES_WORKER_OPTIONS,
    activities: new FakeMachines().activities(),
  });
  return [control, host];
}

async function startPeerWorker({ address }: TestServer): Promise<() => Promise<void>> {
  return runBenchWorker(address, {
    ...LIVES_WORKER_OPTIONS,
    taskQueue: PEER_QUEUE,
    workflowBundle: await peerWorkflowBundle(),
    activities: { create: (name: string) => Promise.resolve(name), destroy: () => Promise.resolve() },
  });
}
