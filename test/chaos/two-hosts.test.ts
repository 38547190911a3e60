import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { eventually, seeVm, startStack, type Stack } from '../stack.ts';
import { startTestServer, type TestServer } from '../temporal-server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HOST = 'first-host';

let server: TestServer;
let stack: Stack;
const children: ChildProcess[] = [];
const directories: string[] = [];
beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({ server, controlWorkers: 1, env: { EPHEMERA_HOST_ID: HOST } });
});
afterEach(async () => {
  for (const child of children.splice(0)) await killed(child);
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** A host worker of the stack's deployment on what stands for another computer: a state directory of its own. */
async function startHost(hostId: string, env: Record<string, string> = {}) {
  const stateDir = await mkdtemp(join(tmpdir(), 'eph-'));
  directories.push(stateDir);
  const child = spawn(process.execPath, ['--import', 'tsx', 'worker/main.ts'], {
    cwd: ROOT,
    env: {
      ...stack.env,
      ...{ EPHEMERA_STATE_DIR: stateDir, EPHEMERA_HOST_ID: hostId, EPHEMERA_WORKER_ROLES: 'host' },
      ...{ EPHEMERA_INTERNAL_PORT: '0', ...env },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  const ended = once(child, 'exit').then(() => 'ended' as const);
  const polls = (): Promise<'polls'> =>
    eventually({ logs: () => Promise.resolve(output) }, `${hostId} polls`, () =>
      Promise.resolve(output.includes('the worker polls') ? ('polls' as const) : undefined),
    );
  return {
    child,
    ended,
    polls,
    output: () => output,
    isUp: () => child.exitCode === null && child.signalCode === null,
  };
}

async function readyVm(): Promise<string> {
  const name = `vm-${randomUUID().slice(0, 8)}`;
  const { status, body } = await stack.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { name, template: 'chat' });
  expect({ status, state: body.state }, JSON.stringify(body)).toEqual({ status: 201, state: 'running' });
  return name;
}

describe('a second host of the same deployment and provider', () => {
  it('ends at once and names the first, which goes on', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const second = await startHost('second-host');
    await second.ended;
    expect(second.child.exitCode).toBe(1);
    expect(second.output()).toContain(`Host \\"${HOST}\\"`);
    expect(second.output()).not.toContain('the worker polls');
    const name = await readyVm();
    await stack.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
    expect(await stack.machines()).toEqual([]);
  });

  it('ends while the first is away and has VMs; the first comes back at once, also under another name', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const name = await readyVm();
    await stack.worker.kill();
    const second = await startHost('second-host');
    await second.ended;
    expect(second.output()).toContain(`vm/default/${name}`);
    expect(second.output()).toContain(`EPHEMERA_HOST_ID=${HOST}`);
    expect(await stack.machines()).toHaveLength(1);

    await stack.worker.start();
    await stack.worker.kill();
    const renamed = await startHost('renamed-host', { EPHEMERA_STATE_DIR: stack.stateDir });
    const begunAt = Date.now();
    await renamed.polls();
    expect(renamed.output()).not.toContain('looking whether it still serves');
    expect(Date.now() - begunAt).toBeLessThan(20_000);
    await stack.call('DELETE', `/v1/vms/${name}`);
    await seeVm(stack, name, 'its end', ({ state }) => state === 'destroyed');
    expect(await stack.machines()).toEqual([]);
    await killed(renamed.child);
    await stack.worker.start();
  });

  it('is one of two that start at the same moment, and only one of them stays', async () => {
    const env = { EPHEMERA_CONTROL_TASK_QUEUE: `twins-${randomUUID().slice(0, 8)}` };
    const twins = await Promise.all([startHost('twin-a', env), startHost('twin-b', env)]);
    await Promise.race(twins.map(({ ended }) => ended));
    const stays = twins.find(({ isUp }) => isUp());
    await stays?.polls();
    expect(twins.filter(({ isUp }) => isUp())).toHaveLength(1);
    const gone = twins.find((twin) => twin !== stays);
    expect(gone?.output()).toMatch(/Host \\"twin-[ab]\\" \(process/);
  });
});
