/** Live events at one replica: a thousand watchers, ten changes a second, its memory, and a stream that goes on after a cut. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inParallel } from '../lib/waiting/in-parallel.ts';
import { readEvents } from '../test-support/events/event-reader.ts';
import { startStack } from '../test-support/stack.ts';
import { startTestServer } from '../test-support/temporal-server.ts';
import { FakeMachines } from '../test-support/workflow/fake-machines.ts';
import { awaitReadyUpdate } from '../workflows/messages.ts';
import { progress, report, sizeOption } from './harness/bench-report.ts';
import { chatSpec, startVm, type VmHandle } from './harness/start-vm.ts';
import { percentile } from './harness/statistics.ts';
import { installQuietRuntime, runBenchHost, runBenchWorker, vmWorkflowBundle } from './harness/workers.ts';
import type { WatchedEvent, WatchersAnswer, WatchersOrder } from './harness/watchers-process.ts';

const WATCHERS = sizeOption('watchers', 1000);
const VMS = sizeOption('vms', 20);
const SECONDS = sizeOption('seconds', 30);
const PER_SECOND = sizeOption('per-second', 10);
const MAX_MS = 2000;
const MAX_GROWTH_MB = 30;
/** A poll comes each second, and its answer a moment later. */
const SETTLE_MS = 4000;
const PROCESS = fileURLToPath(new URL('./harness/watchers-process.ts', import.meta.url));

installQuietRuntime();
const server = await startTestServer();
const { client, address, connection } = server;
const stack = await startStack({ server, worker: false });
const taskQueue = stack.controlTaskQueue;
const stops = [
  await runBenchWorker(address, { taskQueue, workflowBundle: await vmWorkflowBundle() }),
  await runBenchHost(address, taskQueue, { activities: new FakeMachines().activities() }),
  () => stack.stop(),
];
const child = fork(PROCESS, { execArgv: ['--import', 'tsx'] });
try {
  const vms: VmHandle[] = [];
  await inParallel(Array(VMS).keys(), VMS, async (index) => {
    const vm = await startVm(client, taskQueue, `watched-${index}`, chatSpec());
    await vm.executeUpdate(awaitReadyUpdate);
    vms.push(vm);
  });
  const caller = { url: stack.apis[0]?.url ?? '', key: stack.apiKey };
  await sleep(SETTLE_MS);
  const openingAt = Date.now();
  const opened = (await asked({ kind: 'open', ...caller, watchers: WATCHERS })) as { open: number };
  progress(`${opened.open} streams in ${Date.now() - openingAt} ms`);
  const cut = await readEvents(caller);
  const memoryMb: number[] = [await memoryOfApi()];
  const sentAt = await changes(vms, async (second) => {
    memoryMb.push(await memoryOfApi());
    if (second === Math.floor(SECONDS / 2)) cut.close();
  });
  await sleep(SETTLE_MS);
  const told = (await asked({ kind: 'tell' })) as { events: WatchedEvent[]; cut: number };
  const again = await readEvents(caller, { lastEventId: cut.lastId() });
  await sleep(SETTLE_MS);
  const resumed = [...cut.events(), ...again.events()].map(({ id }) => id);
  again.close();
  await say({ told, sentAt, memoryMb, resumed, open: opened.open });
} finally {
  child.disconnect();
  for (const stop of stops) await stop();
  await server.stop();
}

async function asked(order: WatchersOrder): Promise<WatchersAnswer> {
  child.send(order);
  return ((await once(child, 'message')) as [WatchersAnswer])[0];
}

/** Changes counts of VMs in turn; resolves with when each was sent, by VM and count. */
async function changes(vms: VmHandle[], eachSecond: (second: number) => Promise<void>): Promise<Map<string, number>> {
  const sentAt = new Map<string, number>();
  const begunAt = performance.now();
  for (let index = 0; index < SECONDS * PER_SECOND; index += 1) {
    const due = begunAt + (index * 1000) / PER_SECOND;
    if (due > performance.now()) await sleep(due - performance.now());
    const vm = vms[index % vms.length];
    const connections = index + 1;
    sentAt.set(`${String(vm?.workflowId.split('/')[2])} ${connections}`, Date.now());
    await vm?.signal('connections', connections);
    if (index % PER_SECOND === 0) await eachSecond(index / PER_SECOND);
  }
  return sentAt;
}

async function memoryOfApi(): Promise<number> {
  const status = await readFile(`/proc/${String(stack.apis[0]?.pid())}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

interface Measured {
  told: { events: WatchedEvent[]; cut: number };
  sentAt: Map<string, number>;
  memoryMb: number[];
  resumed: string[];
  open: number;
}

async function say({ told, sentAt, memoryMb, resumed, open }: Measured): Promise<void> {
  const changed = told.events.filter(({ vm, connections }) => sentAt.has(`${vm} ${String(connections)}`));
  const delaysMs = changed.map(
    ({ vm, connections, lastAt }) => lastAt - (sentAt.get(`${vm} ${String(connections)}`) ?? 0),
  );
  const missing = sentAt.size * open - changed.reduce((sum, { streams }) => sum + streams, 0);
  const third = Math.ceil(memoryMb.length / 3);
  const growthMb = percentile(memoryMb.slice(-third), 0.5) - percentile(memoryMb.slice(1, third + 1), 0.5);
  const max = Math.max(...delaysMs);
  const had = new Set(resumed);
  const lost = changed.filter(({ id }) => !had.has(id));
  const line = (what: string, ours: number, bar: string | null = null, met: boolean | null = null) => ({
    ...{ what, peer: null, ours, bar, met },
  });
  await report({
    name: 'watchers',
    connection,
    lines: [
      line(`streams open at one replica, of ${WATCHERS}`, open, `${WATCHERS}`, open === WATCHERS),
      line(`changes at ${PER_SECOND}/s that some stream did not get`, missing, '0', missing === 0),
      line('p50 ms from a change until the last of the streams has it', percentile(delaysMs, 0.5)),
      line('max ms of the same', max, `<= ${MAX_MS} ms`, max <= MAX_MS),
      line('streams that were cut', told.cut, '0', told.cut === 0),
      line('MB that the replica grew while it told', growthMb, `<= ${MAX_GROWTH_MB} MB`, growthMb <= MAX_GROWTH_MB),
      line('MB of the replica with all streams', percentile(memoryMb, 0.5)),
      line('changes that a stream with a cut did not get', lost.length, '0', lost.length === 0),
    ],
    raw: { delaysMs, memoryMb: memoryMb.map(Math.round) },
  });
}
