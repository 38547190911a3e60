/** A guest from a create request until the VM is ready, minus QEMU alone with the same image; memory of an idle guest. */
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureImage } from '../test-support/machines/guest-image.ts';
import { startStack } from '../test-support/stack.ts';
import { startTestServer } from '../test-support/temporal-server.ts';
import { progress, report, sizeOption } from './harness/bench-report.ts';
import { bareBoot, bareGuestLike } from './harness/bare-guest.ts';
import { hypervisorOf, memoryMbOf, type MemoryMb } from './harness/hypervisor-process.ts';
import { median, percentile } from './harness/statistics.ts';

const PAIRS = sizeOption('pairs', 20);
const IDLE_GUESTS = sizeOption('guests', 3);
const IDLE_SECONDS = sizeOption('idle', 30);
const MAX_P50_MS = 300;
const MAX_P95_MS = 600;
const READY_SECONDS = 120;

interface Pair {
  bareMs: number;
  createMs: number;
}

const image = await ensureImage();
const server = await startTestServer();
const stack = await startStack({
  server,
  env: { EPHEMERA_PROVIDER: 'qemu', EPHEMERA_QEMU_IMAGE_DIR: dirname(image.kernel), EPHEMERA_QEMU_ACCELERATOR: 'tcg' },
});
try {
  const pairs = await measurePairs();
  const idle = await measureIdleGuests();
  const extra = pairs.map(({ createMs, bareMs }) => createMs - bareMs);
  const [peer, ours] = [pairs.map(({ bareMs }) => bareMs), pairs.map(({ createMs }) => createMs)];
  const [p50, p95] = [median(extra), percentile(extra, 0.95)];
  await report({
    name: 'qemu',
    connection: server.connection,
    lines: [
      {
        what: `p50 ms until ready, ${PAIRS} pairs (the peer: QEMU alone; the difference is that of the pairs)`,
        peer: median(peer),
        ours: median(ours),
        difference: p50,
        bar: `<= ${MAX_P50_MS} ms more`,
        met: p50 <= MAX_P50_MS,
      },
      {
        what: 'p95 ms until ready (the same)',
        peer: percentile(peer, 0.95),
        ours: percentile(ours, 0.95),
        difference: p95,
        bar: `<= ${MAX_P95_MS} ms more`,
        met: p95 <= MAX_P95_MS,
      },
      ...memoryLines(idle),
    ],
    raw: { pairs, extraMs: extra, idleGuestsMb: idle },
  });
} finally {
  await stack.stop();
  await server.stop();
}

/** Each pair in turn begins with the one and with the other, so that a machine that slows down is fair to both. */
async function measurePairs(): Promise<Pair[]> {
  const guest = await ready('like');
  const bare = await bareGuestLike(stack.stateDir, guest.machineId);
  await gone('like');
  const boot = (): Promise<number> => bareBoot(bare, READY_SECONDS * 1000);
  const pairs: Pair[] = [];
  await boot();
  for (let round = 0; round < PAIRS; round += 1) {
    const name = `pair-${round}`;
    const first = round % 2 === 0 ? await boot() : undefined;
    const { ms: createMs } = await ready(name);
    await gone(name);
    const bareMs = first ?? (await boot());
    pairs.push({ bareMs, createMs });
    progress(`pair ${round + 1} of ${PAIRS}: QEMU alone ${seconds(bareMs)}, create until ready ${seconds(createMs)}`);
  }
  return pairs;
}

/** What the host gives for guests of 512 MB that nobody uses. */
async function measureIdleGuests(): Promise<MemoryMb[]> {
  const names = Array.from({ length: IDLE_GUESTS }, (_, index) => `idle-${index}`);
  const guests = await Promise.all(names.map((name) => ready(name)));
  progress(`${IDLE_GUESTS} guests sit idle for ${IDLE_SECONDS} s`);
  await sleep(IDLE_SECONDS * 1000);
  const memory = guests.map(async ({ machineId }) => memoryMbOf(await hypervisorOf(stack.stateDir, machineId)));
  const found = await Promise.all(memory);
  await Promise.all(names.map((name) => gone(name)));
  return found;
}

function memoryLines(idle: MemoryMb[]): { what: string; peer: null; ours: number; bar: null; met: null }[] {
  const line = (what: string, of: (memory: MemoryMb) => number) => {
    return { what, peer: null, ours: median(idle.map(of)), bar: null, met: null };
  };
  return [
    line('MB of the host for an idle guest of 512 MB: resident', ({ resident }) => resident),
    line('MB of the same, what guests share counted by halves, thirds, …', ({ proportional }) => proportional),
    line('MB of the same that only this guest has', ({ own }) => own),
  ];
}

/** Milliseconds from the request until `201`. */
async function ready(name: string): Promise<{ ms: number; machineId: string }> {
  const begunAt = performance.now();
  const wait = { wait: 'ready', timeoutSeconds: READY_SECONDS } as const;
  const { status, body } = await stack.calls.createVm({ name, template: 'chat' }, wait);
  const ms = performance.now() - begunAt;
  if (status !== 201 || body.state !== 'running') {
    throw new Error(`the create answered ${status}: ${JSON.stringify(body)}\n${await stack.logs()}`);
  }
  return { ms, machineId: body.machineId };
}

async function gone(name: string): Promise<void> {
  await stack.calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 60 });
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
