/** Events in the history of a simple life, and in a run of a VM that is busy for a month. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { VmView } from '../domain/vm/view.ts';
import { startTestServer } from '../test-support/temporal-server.ts';
import { FakeMachines } from '../test-support/workflow/fake-machines.ts';
import { awaitReadyUpdate, destroySignal, reportSignal, viewQuery } from '../workflows/messages.ts';
import { progress, report, sizeOption } from './harness/bench-report.ts';
import { eventTypes } from './harness/event-types.ts';
import { liveThroughMonth } from './harness/month.ts';
import type { twoActivities } from './harness/peer-workflows.ts';
import { chatSpec, startVm, type VmHandle } from './harness/start-vm.ts';
import { median } from './harness/statistics.ts';
import {
  installQuietRuntime,
  peerWorkflowBundle,
  runBenchHost,
  runBenchWorker,
  vmWorkflowBundle,
} from './harness/workers.ts';

const ROUNDS = sizeOption('rounds', 5);
const DAYS = sizeOption('days', 30);
const CHANGE_MS = 100;
/** As in workflows/vm/vm.ts. */
const HISTORY_LIMIT_EVENTS = 800;
const MAX_EVENTS_OF_LIFE = 60;
const MAX_EVENTS_OF_RUN = 1000;
const QUEUE = 'bench-events';

installQuietRuntime();
const server = await startTestServer();
const { client, address } = server;
const park = new FakeMachines();
const stops = [
  await runBenchWorker(address, { taskQueue: QUEUE, workflowBundle: await vmWorkflowBundle() }),
  await runBenchHost(address, QUEUE, { activities: park.activities() }),
  await runBenchWorker(address, {
    taskQueue: 'bench-peer',
    workflowBundle: await peerWorkflowBundle(),
    activities: { create: (name: string) => Promise.resolve(name), destroy: () => Promise.resolve() },
  }),
];
try {
  const lives: Record<string, number>[] = [];
  const awaitedLives: Record<string, number>[] = [];
  const peers: Record<string, number>[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    peers.push(await peerLife(`peer-${round}`));
    lives.push(await simpleLife(`life-${round}`, readyByView));
    awaitedLives.push(await simpleLife(`awaited-life-${round}`, readyByUpdate));
    progress(
      `life ${round + 1}: ${total(lives.at(-1) ?? {})} events, ${total(awaitedLives.at(-1) ?? {})} when awaited`,
    );
  }
  const calmRun = await firstRunOfBusyVm('calm', 20);
  const stormyRun = await firstRunOfBusyVm('storm', 0);
  progress(`runs: ${calmRun} events with one signal at a time, ${stormyRun} in a storm of signals`);
  const month = liveThroughMonth(DAYS, CHANGE_MS, HISTORY_LIMIT_EVENTS);
  const longestRun = Math.max(...month.eventsOfRuns);
  const connection = server.connection;
  await report({
    name: 'events',
    connection,
    lines: [
      {
        what: 'events of a simple life (the peer: a bare two-activity workflow)',
        peer: median(peers.map(total)),
        ours: median(lives.map(total)),
        bar: `<= ${MAX_EVENTS_OF_LIFE} events`,
        met: Math.max(...lives.map(total)) <= MAX_EVENTS_OF_LIFE,
      },
      {
        what: 'the same life, with a caller who waits until it is ready (one update)',
        peer: null,
        ours: median(awaitedLives.map(total)),
        bar: null,
        met: null,
      },
      {
        what: `longest run of a VM with 10 changes/s for ${DAYS} days, simulated`,
        peer: null,
        ours: longestRun,
        bar: `<= ${MAX_EVENTS_OF_RUN} events`,
        met: longestRun <= MAX_EVENTS_OF_RUN,
      },
      {
        what: `signals of those ${DAYS} days (the peer: one for each change)`,
        peer: month.changes,
        ours: month.signals,
        bar: null,
        met: null,
      },
      {
        what: 'a real run up to continue-as-new, one report at a time',
        peer: null,
        ours: calmRun,
        bar: `<= ${MAX_EVENTS_OF_RUN} events`,
        met: calmRun <= MAX_EVENTS_OF_RUN,
      },
      {
        what: 'a real run up to continue-as-new, 2,000 edges as fast as they go in',
        peer: null,
        ours: stormyRun,
        bar: null,
        met: null,
      },
    ],
    raw: {
      eventTypesOfLives: lives,
      eventTypesOfAwaitedLives: awaitedLives,
      eventTypesOfPeers: peers,
      month: { ...month, runs: month.eventsOfRuns.length },
    },
  });
} finally {
  await Promise.all(stops.map((stop) => stop()));
  await server.stop();
}

/** Created, ready, one user joins and leaves, idle, confirmed with the agent, destroyed. */
async function simpleLife(name: string, ready: (handle: VmHandle) => Promise<VmView>): Promise<Record<string, number>> {
  const handle = await startVm(client, QUEUE, name, chatSpec({ idle: { timeoutSeconds: 1 } }));
  const { machineId } = await ready(handle);
  await sendReport(handle, machineId, 2, 1);
  await untilView(handle, ({ connections }) => connections === 1);
  await sendReport(handle, machineId, 3, 0);
  const view = await handle.result();
  if (view.reason !== 'idle') throw new Error(`the life ended by ${String(view.reason)}, not idle`);
  return eventTypes(handle);
}

async function peerLife(workflowId: string): Promise<Record<string, number>> {
  const options = { workflowId, taskQueue: 'bench-peer', args: ['machine'] as [string] };
  const handle = await client.workflow.start<typeof twoActivities>('twoActivities', options);
  await handle.result();
  return eventTypes(handle);
}

/** Events of the first run of a VM whose users come and go until it continues as new. */
async function firstRunOfBusyVm(name: string, pauseMs: number): Promise<number> {
  const handle = await startVm(client, QUEUE, name, chatSpec());
  const { machineId } = await handle.executeUpdate(awaitReadyUpdate);
  const firstRun = client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
  const edge = (sequence: number): Promise<void> => sendReport(handle, machineId, sequence, sequence % 2);
  if (pauseMs === 0) {
    for (let sequence = 2; sequence < 2002; sequence += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, index) => edge(sequence + index)));
    }
  } else {
    for (let sequence = 2; (await firstRun.describe()).status.name === 'RUNNING'; sequence += 1) {
      await edge(sequence);
      await sleep(pauseMs);
    }
  }
  const events = total(await eventTypes(firstRun));
  await client.workflow.getHandle(handle.workflowId).signal(destroySignal);
  return events;
}

function sendReport(handle: VmHandle, machineId: string, sequence: number, connections: number): Promise<void> {
  const current = client.workflow.getHandle(handle.workflowId);
  return current.signal(reportSignal, { machineId, sequence, connections, sentAt: Date.now() });
}

function readyByUpdate(handle: VmHandle): Promise<VmView> {
  return handle.executeUpdate(awaitReadyUpdate);
}

function readyByView(handle: VmHandle): Promise<VmView> {
  return untilView(handle, ({ state }) => state === 'running');
}

async function untilView(handle: VmHandle, wanted: (view: VmView) => boolean): Promise<VmView> {
  for (;;) {
    const view = await handle.query(viewQuery);
    if (wanted(view)) return view;
    await sleep(20);
  }
}

function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
