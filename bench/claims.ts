/**
 * Warm machines: how soon a create has one, 10 a second and 200 at once; claims a second of one pool and of 16; refills; what a
 * pool costs that nobody claims from.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { registeredHosts } from '../config/registered-hosts.ts';
import { createPoolActivities } from '../activities/control/pool-activities.ts';
import { createTemplateActivities } from '../activities/control/template-activities.ts';
import { PoolDirectory } from '../api/pools/pool-directory.ts';
import type { PoolView } from '../domain/pool/view.ts';
import { poolWorkflowId } from '../domain/wire-names.ts';
import { inParallel } from '../lib/waiting/in-parallel.ts';
import { startStack } from '../test-support/stack.ts';
import { startTestServer } from '../test-support/temporal-server.ts';
import { FakeMachines } from '../test-support/workflow/fake-machines.ts';
import { runHost } from '../test-support/workflow/vm-harness.ts';
import { temporalTemplates } from '../worker/temporal/temporal-templates.ts';
import { poolViewQuery } from '../workflows/messages.ts';
import { progress, report, sizeOption, type BenchLine } from './harness/bench-report.ts';
import { actionsIn, eventTypes } from './harness/event-types.ts';
import { percentile } from './harness/statistics.ts';
import { runBenchWorker, vmWorkflowBundle } from './harness/workers.ts';

const SECONDS = sizeOption('seconds', 60);
const PER_SECOND = sizeOption('per-second', 10);
const GENTLY_PER_SECOND = sizeOption('gently-per-second', 2);
const AT_ONCE = sizeOption('at-once', 200);
const POOLS = sizeOption('pools', 16);
const CLAIMS = sizeOption('claims', 5000);
const CLAIMS_IN_FLIGHT = 200;
const MAX_P50_MS = 40;
const MAX_P99_MS = 200;
const MAX_AT_ONCE_MS = 1000;
const READY_SECONDS = 600;
const TTL_SECONDS = 3600;
/** A pool that nobody claims from, for what the replacement of a machine costs. */
const IDLE = { machines: 10, ttlSeconds: 5, seconds: 20, ofAnHour: 100 };

const server = await startTestServer();
const { client, address, connection } = server;
const stack = await startStack({ server, worker: false });
const queue = stack.controlTaskQueue;
const stops = [
  () => stack.stop(),
  await runBenchWorker(address, {
    taskQueue: queue,
    workflowBundle: await vmWorkflowBundle(),
    activities: {
      ...createTemplateActivities(temporalTemplates(client, queue)),
      ...createPoolActivities(() => registeredHosts(client, queue)),
    },
  }),
  await runHost(server, queue, new FakeMachines().activities()),
];
try {
  const idle = await idlePool();
  progress(`a machine that nobody claims: ${idle.actions} actions`);
  const gentle = await steadyClaims('gentle', GENTLY_PER_SECOND);
  progress(`${GENTLY_PER_SECOND}/s: p50 ${Math.round(percentile(gentle.ms, 0.5))} ms`);
  const steady = await steadyClaims('steady', PER_SECOND);
  progress(`${PER_SECOND}/s: p50 ${Math.round(percentile(steady.ms, 0.5))} ms`);
  const crowd = await claimsAtOnce();
  progress(`${AT_ONCE} at once: ${Math.round(crowd.ms)} ms`);
  const onePool = await claimsPerSecond(1);
  const manyPools = await claimsPerSecond(POOLS);
  const informs = (what: string, ours: number): BenchLine => ({ what, peer: null, ours, bar: null, met: null });
  const barred = (what: string, ours: number, most: number): BenchLine => {
    return { what, peer: null, ours, bar: `<= ${most} ms`, met: ours <= most };
  };
  const all = ({ ms, missed, failed }: Steady, perSecond: number): string =>
    `of ${ms.length} creates, ${perSecond}/s (${missed} found no machine, ${failed} failed)`;
  await report({
    name: 'claims',
    lines: [
      barred(
        `p50 ms until a create has its warm machine, ${all(steady, PER_SECOND)}`,
        percentile(steady.ms, 0.5),
        MAX_P50_MS,
      ),
      barred('p99 ms of the same', percentile(steady.ms, 0.99), MAX_P99_MS),
      informs(`p50 ms, ${all(gentle, GENTLY_PER_SECOND)}`, percentile(gentle.ms, 0.5)),
      informs('p99 ms of the same', percentile(gentle.ms, 0.99)),
      barred(
        `ms until ${AT_ONCE} creates at once have their warm machines (${crowd.missed} found none, ${crowd.failed} failed)`,
        crowd.ms,
        MAX_AT_ONCE_MS,
      ),
      informs(`machines/s of the refill of these ${AT_ONCE}, in memory`, crowd.refillsPerSecond),
      informs(`claims/s that one pool answers, ${CLAIMS_IN_FLIGHT} in flight, none waiting`, onePool),
      informs(`claims/s that ${POOLS} pools answer, the same`, manyPools),
      informs(
        `actions of Temporal an hour of a pool of ${IDLE.ofAnHour} that each wait an hour for nobody (${idle.replaced} seen)`,
        IDLE.ofAnHour * idle.actions,
      ),
    ],
    raw: { idle, gentle, steady, crowd, onePool, manyPools },
    connection,
  });
} finally {
  for (const stop of stops.reverse()) await stop();
  await server.stop();
}

async function putPool(
  name: string,
  warm: { min: number; max: number },
  ttlSeconds: number = TTL_SECONDS,
): Promise<void> {
  const body = { spec: { image: 'vm-server' }, warm: { ...warm, ttlSeconds } };
  const { status } = await stack.call('PUT', `/v1/templates/${name}`, body);
  if (status >= 300) throw new Error(`the template ${name} was answered with ${status}`);
}

function viewOf(name: string): Promise<PoolView> {
  return client.workflow.getHandle(poolWorkflowId('default', name, queue)).query(poolViewQuery);
}

async function untilReady(name: string, ready: number): Promise<void> {
  const until = performance.now() + READY_SECONDS * 1000;
  for (;;) {
    const view = await viewOf(name).catch(() => undefined);
    if (view !== undefined && view.ready >= ready) return;
    if (performance.now() > until) throw new Error(`the pool ${name} never had ${ready} machines ready`);
    await sleep(50);
  }
}

/** Null: it was not answered with a VM. */
async function create(template: string): Promise<number | null> {
  const begunAt = performance.now();
  const { status } = await stack.call('POST', '/v1/vms', { template });
  return status === 201 ? performance.now() - begunAt : null;
}

interface Steady {
  ms: number[];
  failed: number;
  missed: number;
}

/** As people come, whether or not the one before has been answered. */
async function steadyClaims(name: string, perSecond: number): Promise<Steady> {
  await putPool(name, { min: 5 * perSecond, max: 20 * perSecond });
  await untilReady(name, 5 * perSecond);
  const creates: Promise<number | null>[] = [];
  const begunAt = performance.now();
  for (let at = 0; at < SECONDS * perSecond; at += 1) {
    await sleep(Math.max(0, begunAt + (at * 1000) / perSecond - performance.now()));
    creates.push(create(name));
  }
  const all = await Promise.all(creates);
  const ms = all.filter((one) => one !== null);
  const { missed } = await viewOf(name);
  await putPool(name, { min: 0, max: 0 });
  return { ms, failed: all.length - ms.length, missed };
}

async function claimsAtOnce(): Promise<{ ms: number; missed: number; failed: number; refillsPerSecond: number }> {
  await putPool('crowd', { min: AT_ONCE, max: AT_ONCE });
  await untilReady('crowd', AT_ONCE);
  const begunAt = performance.now();
  const all = await Promise.all(Array.from({ length: AT_ONCE }, () => create('crowd')));
  const ms = performance.now() - begunAt;
  const failed = all.filter((one) => one === null).length;
  await untilReady('crowd', AT_ONCE);
  const { claimed, missed } = await viewOf('crowd');
  return { ms, missed, failed, refillsPerSecond: claimed / ((performance.now() - begunAt) / 1000) };
}

/** Actions that it takes to replace a machine that nobody claimed in time, those of its pool included. */
async function idlePool(): Promise<{ actions: number; replaced: number }> {
  const { machines, ttlSeconds, seconds } = IDLE;
  const pool = client.workflow.getHandle(poolWorkflowId('default', 'idle', queue));
  await putPool('idle', { min: machines, max: machines }, ttlSeconds);
  await untilReady('idle', machines);
  await sleep(seconds * 1000);
  await putPool('idle', { min: 0, max: 0 }, ttlSeconds);
  const closed: number[] = [];
  for await (const { workflowId } of client.workflow.list({ query: `WorkflowType = 'warm'` })) {
    const handle = client.workflow.getHandle(workflowId);
    await handle.result();
    closed.push(actionsIn(await eventTypes(handle)));
  }
  const ofPool = actionsIn(await eventTypes(pool));
  const sum = closed.reduce((total, one) => total + one, 0) + ofPool;
  return { actions: sum / closed.length, replaced: closed.length };
}

/** By one replica, which sends them in batches. */
async function claimsPerSecond(pools: number): Promise<number> {
  const names = Array.from({ length: pools }, (_, at) => `empty-${pools}-${at}`);
  for (const name of names) {
    await putPool(name, { min: 0, max: 1 });
    await untilReady(name, 0);
    // No machine is made for what is missed here.
    await putPool(name, { min: 0, max: 0 });
  }
  const replica = new PoolDirectory(client, queue);
  const begunAt = performance.now();
  await inParallel(Array(CLAIMS).keys(), CLAIMS_IN_FLIGHT, async (at) => {
    await replica.claim('default', names[at % names.length] ?? '', { id: randomUUID() });
  });
  return CLAIMS / ((performance.now() - begunAt) / 1000);
}
