/** 1,000 creates of three sizes on 8 hosts that pull by size, against one queue whose creates wait on the host that took them. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { createLaneOf } from '../domain/capacity/create-lanes.ts';
import { createTaskQueue, machineTaskQueue, vmWorkflowId } from '../domain/wire-names.ts';
import { seededRandom } from '../test-support/seeded-random.ts';
import { signedStart } from '../test-support/signed-start.ts';
import { startTestServer } from '../test-support/temporal-server.ts';
import { startHostInMemory, type HostInMemory } from '../test-support/workflow/host-in-memory.ts';
import { startOneQueueHost } from './harness/one-queue-host.ts';
import { progress, report, sizeOption } from './harness/bench-report.ts';
import type { placedLife } from './harness/placed-life.ts';
import { chatSpec } from './harness/start-vm.ts';
import { median, percentile } from './harness/statistics.ts';
import { saysHowFar, TimeLimit } from './harness/time-limit.ts';
import { installQuietRuntime, runBenchWorker } from './harness/workers.ts';

const CREATES = sizeOption('creates', 1000);
const HOSTS = sizeOption('hosts', 8);
const CREATES_PER_SECOND = sizeOption('rate', 20);
const LIFE_MS = sizeOption('life-ms', 10_000);
/** For each of the two. */
const LIMIT_SECONDS = sizeOption('limit', 330);
const HOST_CPUS = 16;
const SAMPLE_MS = 50;
/** A create that is not placed by then waits for room; before that its task is on its way. */
const WAITS_AFTER_MS = 500;
const SIZES = [
  { name: 'one cpu', cpus: 1, share: 0.7 },
  { name: 'four cpus', cpus: 4, share: 0.25 },
  { name: 'a whole host', cpus: HOST_CPUS, share: 0.05 },
] as const;

interface Placing {
  cpus: number;
  askedAt: number;
  placedAt: number | null;
}
interface Figures {
  /** Not placed before the time was over. */
  unplaced: number;
  usedShare: number;
  placedAfterSeconds: number;
  medianSeconds: number;
  waits: { name: string; p50: number; p95: number }[];
  biggestToMedian: number;
}

installQuietRuntime();
const server = await startTestServer();
const workflowBundle = await bundleWorkflowCode({
  workflowsPath: fileURLToPath(new URL('./harness/placed-life.ts', import.meta.url)),
  logger: new DefaultLogger('ERROR'),
});
try {
  const ours = await place('pulled');
  const peer = await place('one queue');
  const unplaced = ours.unplaced + peer.unplaced;
  const biggest = SIZES.length - 1;
  const waitOf = ({ waits }: Figures, index: number): number => waits[index]?.p50 ?? Number.NaN;
  await report({
    name: 'placement',
    lines: [
      {
        what: '% of the room used while a create waits',
        peer: 100 * peer.usedShare,
        ours: 100 * ours.usedShare,
        bar: '>= 95 %',
        met: ours.usedShare >= 0.95,
      },
      {
        what: 'p50 wait of the biggest, in median waits',
        peer: peer.biggestToMedian,
        ours: ours.biggestToMedian,
        bar: '<= 2',
        met: ours.biggestToMedian <= 2,
      },
      ...SIZES.map(({ name }, index) => ({
        what: `p50 s that a create of ${name} waits`,
        peer: waitOf(peer, index),
        ours: waitOf(ours, index),
        bar: null,
        met: null,
      })),
      {
        what: `p95 s that a create of ${SIZES[biggest]?.name ?? ''} waits`,
        peer: peer.waits[biggest]?.p95 ?? Number.NaN,
        ours: ours.waits[biggest]?.p95 ?? Number.NaN,
        bar: null,
        met: null,
      },
      {
        what:
          unplaced === 0
            ? `s until all ${CREATES} are placed`
            : `s until the last was placed, ${ours.unplaced} and ${peer.unplaced} were not`,
        peer: peer.placedAfterSeconds,
        ours: ours.placedAfterSeconds,
        bar: null,
        met: null,
      },
    ],
    raw: { creates: CREATES, hosts: HOSTS, createsPerSecond: CREATES_PER_SECOND, lifeMs: LIFE_MS, ours, peer },
    connection: server.connection,
  });
} finally {
  await server.stop();
}
// Lives that the time was over for are left.
process.exit(0);

async function place(policy: 'pulled' | 'one queue'): Promise<Figures> {
  const controlTaskQueue = `bench-placement-${randomUUID().slice(0, 8)}`;
  const stopControl = await runBenchWorker(server.address, {
    taskQueue: controlTaskQueue,
    workflowBundle,
    maxConcurrentWorkflowTaskExecutions: 100,
    maxCachedWorkflows: 2000,
  });
  const hosts = await Promise.all(
    Array.from({ length: HOSTS }, (_, index) =>
      (policy === 'pulled' ? startHostInMemory : startOneQueueHost)(server, {
        controlTaskQueue,
        hostId: `host-${index + 1}`,
        total: { cpus: HOST_CPUS, memoryMb: 1e6, diskGb: 1e4 },
      }),
    ),
  );
  try {
    return await run(policy, controlTaskQueue, hosts);
  } finally {
    await Promise.all([stopControl(), ...hosts.map((host) => host.stop())]);
  }
}

async function run(policy: string, controlTaskQueue: string, hosts: HostInMemory[]): Promise<Figures> {
  const placings = new Map<string, Placing>();
  for (const { machines } of hosts) {
    machines.onCreate = (machineId) => {
      const placing = placings.get(machineId);
      if (placing !== undefined) placing.placedAt ??= performance.now();
    };
  }
  const begunAt = performance.now();
  const used = sampled(hosts, placings);
  const limit = new TimeLimit(LIMIT_SECONDS);
  const stopSaying = saysHowFar(() => {
    const placed = [...placings.values()].filter(({ placedAt }) => placedAt !== null).length;
    return `${policy}: ${placings.size} of ${CREATES} asked for, ${placed} placed, ${(100 * used.share()).toFixed(1)} % used`;
  });
  const lives: Promise<unknown>[] = [];
  for (const [index, cpus] of sizesInRandomOrder().entries()) {
    await sleep(Math.max(0, begunAt + (index * 1000) / CREATES_PER_SECOND - performance.now()));
    const life = startLife(policy, controlTaskQueue, cpus, placings);
    life.catch(() => undefined);
    lives.push(life);
  }
  await limit.within(`placing by "${policy}"`, Promise.all(lives));
  stopSaying();
  const figures = figuresOf([...placings.values()], used.stop(), begunAt);
  progress(`${policy}: ${JSON.stringify(figures)}`);
  return figures;
}

async function startLife(
  policy: string,
  controlTaskQueue: string,
  cpus: number,
  placings: Map<string, Placing>,
): Promise<void> {
  const name = `vm-${randomUUID().slice(0, 12)}`;
  const machineId = `m-${randomUUID().slice(0, 18)}`;
  const spec = { ...chatSpec(), provider: 'local', cpus, memoryMb: 512 };
  const { signature } = signedStart({ project: 'default', name, spec });
  const queue =
    policy === 'pulled'
      ? createTaskQueue('local', createLaneOf(spec, null), controlTaskQueue)
      : machineTaskQueue('local', controlTaskQueue);
  placings.set(machineId, { cpus, askedAt: performance.now(), placedAt: null });
  const input = { machineId, spec, project: 'default', vm: name, ...(signature === undefined ? {} : { signature }) };
  await server.client.workflow.execute<typeof placedLife>('placedLife', {
    workflowId: vmWorkflowId('default', name),
    taskQueue: controlTaskQueue,
    args: [queue, input, LIFE_MS],
  });
}

/** Room used of all, over the time in which at least one create waits. */
function sampled(hosts: HostInMemory[], placings: Map<string, Placing>): { share: () => number; stop: () => number } {
  let used = 0;
  let samples = 0;
  const timer = setInterval(() => {
    const waitsSince = performance.now() - WAITS_AFTER_MS;
    const waits = [...placings.values()].some(({ askedAt, placedAt }) => placedAt === null && askedAt < waitsSince);
    if (!waits) return;
    samples += 1;
    used += hosts.reduce((sum, { machines }) => sum + machines.cpus, 0) / (hosts.length * HOST_CPUS);
  }, SAMPLE_MS);
  const share = (): number => used / Math.max(1, samples);
  return {
    share,
    stop: () => {
      clearInterval(timer);
      return share();
    },
  };
}

function figuresOf(placings: Placing[], usedShare: number, begunAt: number): Figures {
  const secondsOf = (some: Placing[]): number[] =>
    some.flatMap(({ askedAt, placedAt }) => (placedAt === null ? [] : [(placedAt - askedAt) / 1000]));
  const waits = SIZES.map(({ name, cpus }) => {
    const seconds = secondsOf(placings.filter((placing) => placing.cpus === cpus));
    return { name, p50: median(seconds), p95: percentile(seconds, 0.95) };
  });
  const medianSeconds = median(secondsOf(placings));
  const placedAfterSeconds = (Math.max(...placings.map(({ placedAt }) => placedAt ?? 0)) - begunAt) / 1000;
  return {
    unplaced: placings.filter(({ placedAt }) => placedAt === null).length,
    usedShare,
    placedAfterSeconds,
    medianSeconds,
    waits,
    biggestToMedian: (waits.at(-1)?.p50 ?? 0) / medianSeconds,
  };
}

function sizesInRandomOrder(): number[] {
  const random = seededRandom(1);
  const sizes: number[] = SIZES.flatMap(({ cpus, share }) =>
    Array.from({ length: Math.round(share * CREATES) }, () => cpus),
  );
  for (let index = sizes.length - 1; index > 0; index -= 1) {
    const other = random(index + 1);
    const [a = 1, b = 1] = [sizes[index], sizes[other]];
    [sizes[index], sizes[other]] = [b, a];
  }
  return sizes;
}
