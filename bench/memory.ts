/** Worker memory for each cached VM workflow, against a trivial workflow: a sleep and one signal handler. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startTestServer } from '../test-support/temporal-server.ts';
import { FakeMachines } from '../test-support/workflow/fake-machines.ts';
import { progress, report, sizeOption } from './harness/bench-report.ts';
import type { CacheAnswer, CacheOrder } from './harness/cached-workflows.ts';
import { median } from './harness/statistics.ts';
import { installQuietRuntime, runBenchHost } from './harness/workers.ts';

const ROUNDS = sizeOption('rounds', 5);
const COUNT = sizeOption('count', 500);
const WARM_UP = 50;
const MAX_RATIO = 1.5;
const CHILD = fileURLToPath(new URL('./harness/cached-workflows.ts', import.meta.url));

installQuietRuntime();
const server = await startTestServer();
try {
  const peer: PerWorkflow[] = [];
  const ours: PerWorkflow[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    peer.push(await measure('peer', `bench-peer-${round}`));
    ours.push(await measure('vm', `bench-vm-${round}`));
    progress(`round ${round + 1}: peer ${shown(peer.at(-1))}, ours ${shown(ours.at(-1))}`);
  }
  const rss = { peer: median(peer.map(({ rssKib }) => rssKib)), ours: median(ours.map(({ rssKib }) => rssKib)) };
  await report({
    name: 'memory',
    connection: server.connection,
    lines: [
      {
        what: 'KiB of worker RSS for each cached workflow',
        ...rss,
        bar: `<= ${MAX_RATIO} of a trivial workflow`,
        met: rss.ours / rss.peer <= MAX_RATIO,
      },
      {
        what: 'KiB of heap for each cached workflow',
        peer: median(peer.map(({ heapKib }) => heapKib)),
        ours: median(ours.map(({ heapKib }) => heapKib)),
        bar: null,
        met: null,
      },
    ],
    raw: { workflows: COUNT, warmUp: WARM_UP, peer, ours },
  });
} finally {
  await server.stop();
}

interface PerWorkflow {
  rssKib: number;
  heapKib: number;
}

async function measure(kind: CacheOrder['kind'], taskQueue: string): Promise<PerWorkflow> {
  const { address } = server;
  const activities = new FakeMachines().activities();
  const stopHost = await runBenchHost(address, taskQueue, { activities });
  const child = fork(CHILD, { execArgv: ['--expose-gc', '--import', 'tsx'] });
  try {
    const order: CacheOrder = { kind, address, taskQueue, warmUp: WARM_UP, count: COUNT };
    child.send(order);
    const ended = once(child, 'exit').then(() => {
      throw new Error(`the process that caches ${kind} workflows ended without an answer`);
    });
    const [answer] = (await Promise.race([once(child, 'message'), ended])) as [CacheAnswer];
    const { before, after } = answer;
    const perWorkflow = (bytes: number): number => bytes / COUNT / 1024;
    return {
      rssKib: perWorkflow(after.rssBytes - before.rssBytes),
      heapKib: perWorkflow(after.heapUsedBytes - before.heapUsedBytes),
    };
  } finally {
    if (child.exitCode === null) child.kill('SIGKILL');
    await stopHost();
  }
}

function shown(one: PerWorkflow | undefined): string {
  return one === undefined ? '' : `${one.rssKib.toFixed(1)} KiB (heap ${one.heapKib.toFixed(1)})`;
}
