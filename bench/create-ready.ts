/** From a create request until the VM is ready, minus the bare start of the same machine process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineLabels } from '../domain/machine/owner.ts';
import { LOCAL_MACHINE_FILE, type LocalManifest } from '../domain/machine/local-machine.ts';
import { buildVmServer } from '../commands/start/build-vm-server.ts';
import { untilAgentSaysReady } from '../test-support/agent-ready.ts';
import { startStack } from '../test-support/stack.ts';
import { startTestServer } from '../test-support/temporal-server.ts';
import { progress, report, sizeOption } from './harness/bench-report.ts';
import { median, percentile } from './harness/statistics.ts';

const ROUNDS = sizeOption('rounds', 40);
const WARM_UP_ROUNDS = 3;
/** The bars are those of real machines; a process as the machine is held to them as well. */
const MAX_P50_MS = 300;
const MAX_P95_MS = 600;
const READY_TIMEOUT_MS = 30_000;

const program = await buildVmServer();
const server = await startTestServer();
const stack = await startStack({ server });
const dir = await mkdtemp(join(tmpdir(), 'eph-bare-'));
try {
  const peer: number[] = [];
  const ours: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    const name = `bench-${round + WARM_UP_ROUNDS}`;
    const bareMs = await startBare(name);
    const createMs = await createVm(name);
    if (round < 0) continue;
    peer.push(bareMs);
    ours.push(createMs);
    if (round % 10 === 9) progress(`${round + 1} rounds`);
  }
  const extra = ours.map((createMs, index) => createMs - (peer[index] ?? 0));
  const [p50, p95] = [median(extra), percentile(extra, 0.95)];
  await report({
    name: 'create-ready',
    connection: server.connection,
    lines: [
      {
        what: 'p50 ms until ready (the peer: the bare process; the difference is that of the pairs)',
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
    ],
    raw: { peerMs: peer, oursMs: ours, extraMs: extra },
  });
} finally {
  await stack.stop();
  await server.stop();
  await rm(dir, { recursive: true, force: true });
}

/** Milliseconds from the request until `201`; the VM is destroyed before this resolves. */
async function createVm(name: string): Promise<number> {
  const begunAt = performance.now();
  const { status, body } = await stack.calls.createVm({ name, template: 'chat' }, { wait: 'ready' });
  const ms = performance.now() - begunAt;
  if (status !== 201 || body.state !== 'running') {
    throw new Error(`the create answered ${status}: ${JSON.stringify(body)}\n${await stack.logs()}`);
  }
  await stack.calls.destroyVm(name, { wait: 'destroyed' });
  return ms;
}

/** Milliseconds from the spawn until the agent says over its link that the app is ready; ended before this resolves. */
async function startBare(name: string): Promise<number> {
  const machineDir = join(dir, name);
  const socketPath = join(machineDir, 'agent.sock');
  const manifest: LocalManifest = {
    labels: machineLabels({ deployment: 'bench', machineId: `m-${name}`, owner: `vm/default/${name}` }),
    createdAt: Date.now(),
    host: 'bench',
    ports: [{ name: 'http', port: 8080, protocol: 'tcp' }],
    env: {},
    tombstonePath: join(machineDir, 'tombstone'),
    link: { kind: 'unix', socketPath },
  };
  await mkdir(machineDir);
  await writeFile(join(machineDir, LOCAL_MACHINE_FILE.manifest), JSON.stringify(manifest));
  const begunAt = performance.now();
  const child = spawn(process.execPath, [program, 'machine', '--dir', machineDir], { stdio: 'ignore' });
  try {
    await untilAgentSaysReady({
      socketPath,
      timeoutMs: READY_TIMEOUT_MS,
      isAlive: () => child.exitCode === null && child.signalCode === null,
    });
    return performance.now() - begunAt;
  } finally {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}
