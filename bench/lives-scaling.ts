/** Lives per second with 1, 2 and 4 control workers and as many hosts, each a process, against a bare workflow on the same. */
import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestServer } from '../test-support/temporal-server.ts';
import { progress, report, sizeOption, type BenchLine } from './harness/bench-report.ts';
import { inParallel } from '../lib/waiting/in-parallel.ts';
import { LIVES_BUNDLE, PEER_QUEUE, VM_QUEUE } from './harness/lives-queues.ts';
import type { twoActivities } from './harness/peer-workflows.ts';
import { chatSpec, startVm } from './harness/start-vm.ts';
import { median } from './harness/statistics.ts';
import { TimeLimit } from './harness/time-limit.ts';
import { peerWorkflowBundle, vmWorkflowBundle } from './harness/workers.ts';

const PROCESSES = [1, 2, 4] as const;
const ROUNDS = sizeOption('rounds', 3);
const LIVES = sizeOption('lives', 200);
const IN_FLIGHT = sizeOption('in-flight', 100);
const LIMIT = new TimeLimit(sizeOption('limit', 330));
/** A process that is not there by then never comes. */
const START_MS = 60_000;
const SCRIPT = fileURLToPath(new URL('./harness/lives-process.ts', import.meta.url));

const running: ChildProcess[] = [];
const bundles = await mkdtemp(join(tmpdir(), 'eph-'));
await writeFile(join(bundles, LIVES_BUNDLE.vm), (await vmWorkflowBundle()).code);
await writeFile(join(bundles, LIVES_BUNDLE.peer), (await peerWorkflowBundle()).code);
const server = await startTestServer();
try {
  const lines: BenchLine[] = [];
  const raw: object[] = [];
  for (const processes of PROCESSES) {
    progress(`${processes} control workers and ${processes} hosts`);
    const rounds = { peer: [] as number[], ours: [] as number[] };
    await LIMIT.within(`${processes} processes of each role`, measure(processes, rounds)).catch((error: unknown) =>
      progress(`with ${processes} processes of each role: ${String(error)}`),
    );
    await Promise.all(running.splice(0).map(end));
    if (rounds.ours.length === 0) break;
    const [peer, ours] = [median(rounds.peer), median(rounds.ours)];
    const what = `lives/s, ${processes} control workers and ${processes} hosts, ${IN_FLIGHT} in flight`;
    lines.push({ what, peer, ours, bar: null, met: null });
    raw.push({ processes, ...rounds });
    if (LIMIT.isOver) break;
  }
  await report({
    name: 'lives-scaling',
    lines,
    raw: { livesPerRound: LIVES, inFlight: IN_FLIGHT, rows: raw },
    connection: server.connection,
  });
} finally {
  await server.stop();
  await rm(bundles, { recursive: true });
}
// Lives that the time was over for are left.
process.exit(0);

/** Both sides in turns, with this many processes of each role, which are in `running`. */
async function measure(processes: number, rounds: { peer: number[]; ours: number[] }): Promise<void> {
  await startProcesses(processes);
  const spec = chatSpec();
  const live = async (): Promise<void> => {
    await (await startVm(server.client, VM_QUEUE, `vm-${randomUUID()}`, spec)).result();
  };
  const livePeer = async (): Promise<void> => {
    const workflowId = `peer-${randomUUID()}`;
    const options = { workflowId, taskQueue: PEER_QUEUE, args: ['machine'] as [string] };
    await (await server.client.workflow.start<typeof twoActivities>('twoActivities', options)).result();
  };
  await livesPerSecond(20, livePeer);
  await livesPerSecond(20, live);
  for (let round = 0; round < ROUNDS && !LIMIT.isOver; round += 1) {
    const peer = await livesPerSecond(LIVES, livePeer);
    const ours = await livesPerSecond(LIVES, live);
    rounds.peer.push(peer);
    rounds.ours.push(ours);
    progress(`${processes}, round ${round + 1}: peer ${peer.toFixed(1)}/s, ours ${ours.toFixed(1)}/s`);
  }
}

async function startProcesses(count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => `host-${index}`);
  const children = ids.flatMap((id) =>
    ['control', 'host'].map((role) =>
      fork(SCRIPT, [role, server.address, id, bundles], { execArgv: ['--import', 'tsx'] }),
    ),
  );
  running.push(...children);
  const signal = AbortSignal.timeout(START_MS);
  await Promise.all(
    children.map(async (child) => {
      const ended = once(child, 'exit').then(() => Promise.reject(new Error('a process ended before it was ready')));
      ended.catch(() => undefined);
      await Promise.race([once(child, 'message', { signal }), ended]);
    }),
  );
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function livesPerSecond(count: number, live: () => Promise<void>): Promise<number> {
  const begunAt = performance.now();
  await inParallel(Array(count).keys(), IN_FLIGHT, live);
  return count / ((performance.now() - begunAt) / 1000);
}
