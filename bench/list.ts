/** Pages of 100 at 10,000 VMs under 500 requests a second, against Temporal's visibility; and how stale they are. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { answered } from '../client/api-client.ts';
import { startStack, type Stack } from '../test-support/stack.ts';
import { startTestServer, TEST_NAMESPACE } from '../test-support/temporal-server.ts';
import { FakeMachines } from '../test-support/workflow/fake-machines.ts';
import { awaitReadyUpdate } from '../workflows/messages.ts';
import { progress, report, sizeOption } from './harness/bench-report.ts';
import { inParallel } from '../lib/waiting/in-parallel.ts';
import type { LoadAnswer, LoadOrder } from './harness/list-load.ts';
import { StalenessWatch, type WatchedVm } from './harness/staleness.ts';
import { chatSpec, startVm } from './harness/start-vm.ts';
import { percentile } from './harness/statistics.ts';
import { installQuietRuntime, runBenchHost, runBenchWorker, vmWorkflowBundle } from './harness/workers.ts';

const VMS = sizeOption('vms', 10_000);
const ROUNDS = sizeOption('rounds', 4);
const ROUND_SECONDS = sizeOption('seconds', 15);
const PER_SECOND = sizeOption('per-second', 500);
const PAGE_SIZE = 100;
const WATCHED = 20;
const START_IN_FLIGHT = 50;
/** A poll reads what changed in the last 10 s again; 10,000 starts in a burst are no part of the question. */
const SETTLE_MS = 12_000;
const PEER_QUERIES_PER_ROUND = 60;
const MAX_P99_MS = 50;
const MAX_STALENESS_P99_MS = 1500;
const POLLED_QUEUE = 'bench-list';
/** Nobody polls it: its VMs stay as they were started. */
const STILL_QUEUE = 'bench-list-still';
const LOAD = fileURLToPath(new URL('./harness/list-load.ts', import.meta.url));

installQuietRuntime();
const server = await startTestServer();
const { client, address, connection } = server;
const stops = [
  await runBenchWorker(address, { taskQueue: POLLED_QUEUE, workflowBundle: await vmWorkflowBundle() }),
  await runBenchHost(address, POLLED_QUEUE, { activities: new FakeMachines().activities() }),
];
const load = fork(LOAD, { execArgv: ['--import', 'tsx'] });
try {
  // The oldest come first in a list, so those that are watched share the first page.
  const watched = await startWatched();
  const startedAt = Date.now();
  await inParallel(Array(VMS - WATCHED).keys(), START_IN_FLIGHT, async (index) => {
    await startVm(client, STILL_QUEUE, `still-${index}`, chatSpec());
    if (index % 1000 === 999) progress(`${index + 1} VMs started`);
  });
  const startsPerSecond = (VMS - WATCHED) / ((Date.now() - startedAt) / 1000);
  const loadingAt = Date.now();
  const stack = await startStack({ server, worker: false });
  const loadedInMs = Date.now() - loadingAt;
  stops.push(() => stack.stop());
  const paths = await allPages(stack);
  progress(`${paths.length} pages; the replica was ready after ${loadedInMs} ms`);
  await sleep(SETTLE_MS);
  const measured = await measure(stack, paths, watched);
  await say({ ...measured, startsPerSecond, loadedInMs });
} finally {
  load.disconnect();
  await Promise.all(stops.map((stop) => stop()));
  await server.stop();
}

async function startWatched(): Promise<WatchedVm[]> {
  const watched: WatchedVm[] = [];
  await inParallel(Array(WATCHED).keys(), WATCHED, async (index) => {
    const handle = await startVm(client, POLLED_QUEUE, `watched-${index}`, chatSpec());
    const { name, machineId } = await handle.executeUpdate(awaitReadyUpdate);
    watched.push({ workflowId: handle.workflowId, name, machineId });
  });
  return watched;
}

/** The path of each page of the list. */
async function allPages(stack: Stack): Promise<string[]> {
  const first = `/v1/vms?pageSize=${PAGE_SIZE}`;
  const paths: string[] = [];
  let seen = 0;
  let pageToken: string | undefined;
  do {
    const query = { pageSize: PAGE_SIZE, ...(pageToken === undefined ? {} : { pageToken }) };
    const page = await answered(stack.calls.client.GET('/v1/vms', { params: { query } }));
    paths.push(pageToken === undefined ? first : `${first}&pageToken=${pageToken}`);
    seen += page.vms.length;
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  if (seen !== VMS) throw new Error(`the list shows ${seen} VMs, not ${VMS}`);
  return paths;
}

async function measure(stack: Stack, paths: string[], vms: WatchedVm[]) {
  const peerMs: number[] = [];
  const rounds: LoadAnswer[] = [];
  const delaysMs: number[] = [];
  const readPage = async () => (await stack.calls.listVms({ pageSize: WATCHED })).body.vms;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let query = 0; query < PEER_QUERIES_PER_ROUND; query += 1) peerMs.push(await queryVisibility());
    const watch = new StalenessWatch({ client, vms, readPage });
    const url = stack.apis[0]?.url ?? '';
    const order: LoadOrder = { url, apiKey: stack.apiKey, paths, perSecond: PER_SECOND, seconds: ROUND_SECONDS };
    load.send(order);
    const [answer] = (await once(load, 'message')) as [LoadAnswer];
    await watch.stop();
    rounds.push(answer);
    delaysMs.push(...watch.delaysMs);
    progress(`round ${round + 1}: p99 ${percentile(answer.latenciesMs, 0.99).toFixed(1)} ms`);
  }
  return { peerMs, rounds, delaysMs };
}

/** A page asked of Temporal itself, the only one asking. */
async function queryVisibility(): Promise<number> {
  const begunAt = performance.now();
  const { executions } = await client.workflowService.listWorkflowExecutions({
    namespace: TEST_NAMESPACE,
    query: "WorkflowType = 'vm' AND ExecutionStatus = 'Running'",
    pageSize: PAGE_SIZE,
  });
  if (executions.length !== PAGE_SIZE) throw new Error(`visibility gave ${executions.length} rows`);
  return performance.now() - begunAt;
}

type Measured = Awaited<ReturnType<typeof measure>> & { startsPerSecond: number; loadedInMs: number };

async function say({ peerMs, rounds, delaysMs, startsPerSecond, loadedInMs }: Measured): Promise<void> {
  const latenciesMs = rounds.flatMap((round) => round.latenciesMs);
  const errors = rounds.reduce((sum, round) => sum + round.errors, 0);
  const p99 = percentile(latenciesMs, 0.99);
  const staleness = percentile(delaysMs, 0.99);
  const informs = { bar: null, met: null };
  await report({
    name: 'list',
    connection,
    lines: [
      {
        what: `p50 ms of a page of ${PAGE_SIZE} at ${VMS} VMs, ${PER_SECOND} requests/s (the peer: visibility, one at a time)`,
        peer: percentile(peerMs, 0.5),
        ours: percentile(latenciesMs, 0.5),
        ...informs,
      },
      {
        what: 'p99 ms of the same',
        peer: percentile(peerMs, 0.99),
        ours: p99,
        bar: `<= ${MAX_P99_MS} ms`,
        met: p99 <= MAX_P99_MS,
      },
      {
        what: `errors of ${latenciesMs.length + errors} requests`,
        peer: null,
        ours: errors,
        bar: '0',
        met: errors === 0,
      },
      {
        what: `p50 ms from a change until the list shows it (${delaysMs.length} changes)`,
        peer: null,
        ours: percentile(delaysMs, 0.5),
        ...informs,
      },
      {
        what: 'p99 ms of the same',
        peer: null,
        ours: staleness,
        bar: `<= ${MAX_STALENESS_P99_MS} ms`,
        met: staleness <= MAX_STALENESS_P99_MS,
      },
      { what: 'ms until a new replica answers', peer: null, ours: loadedInMs, ...informs },
      { what: 'VMs started a second, in parallel', peer: null, ours: startsPerSecond, ...informs },
    ],
    raw: {
      peerMs: peerMs.map(Math.round),
      stalenessMs: delaysMs,
      rounds: rounds.map((round) => ({
        requests: round.latenciesMs.length,
        errors: round.errors,
        bytes: round.bytes,
        loadProcessLatestMs: Math.round(round.latestMs),
        p50Ms: percentile(round.latenciesMs, 0.5),
        p95Ms: percentile(round.latenciesMs, 0.95),
        p99Ms: percentile(round.latenciesMs, 0.99),
        maxMs: percentile(round.latenciesMs, 1),
      })),
    },
  });
}
