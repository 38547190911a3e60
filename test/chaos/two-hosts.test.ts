import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { buildProgram } from '../../commands/start/build-programs.ts';
import type { VmView } from '../../domain/vm/view.ts';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import { joinChat } from '../../test-support/chat-client.ts';
import { eventually, seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';
import { WORKER_EXIT } from '../../worker/worker-exit.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HOST = 'first-host';
/** Each host has a state directory of its own, so none may make a secret of its own. */
const SECRET = 'ab'.repeat(32);

let server: TestServer;
let stack: Stack;
const children: ChildProcess[] = [];
const directories: string[] = [];
beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({
    server,
    controlWorkers: 1,
    env: { EPHEMERA_HOST_ID: HOST, EPHEMERA_SECRET_KEY: SECRET, EPHEMERA_SWEEP_INTERVAL_SECONDS: '10' },
  });
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
  const child = spawn(process.execPath, [await buildProgram('worker/main.ts')], {
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
    stateDir: env['EPHEMERA_STATE_DIR'] ?? stateDir,
    ended,
    polls,
    output: () => output,
    isUp: () => child.exitCode === null && child.signalCode === null,
  };
}

async function readyVm(): Promise<VmView> {
  const name = `vm-${randomUUID().slice(0, 8)}`;
  const { status, body } = await stack.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { name, template: 'chat' });
  expect({ status, state: body.state }, JSON.stringify(body)).toEqual({ status: 201, state: 'running' });
  return body;
}

/** A VM on each of the hosts, and whatever was made until then. */
async function vmOnEach(...hostIds: string[]): Promise<{ vms: VmView[]; onEach: VmView[] }> {
  const vms: VmView[] = [];
  const onHost = (hostId: string): VmView | undefined => vms.find(({ host }) => host === hostId);
  for (let tries = 0; tries < 10 && !hostIds.every(onHost); tries += 1) {
    vms.push(...(await Promise.all(Array.from({ length: 4 }, readyVm))));
  }
  const onEach = hostIds.map(onHost);
  expect(onEach, JSON.stringify(vms.map(({ host }) => host))).not.toContain(undefined);
  return { vms, onEach: onEach as VmView[] };
}

describe('two hosts of one deployment', () => {
  it('share its VMs; when one is killed, users of the other one notice nothing, and it goes on when it returns', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const second = await startHost('second-host');
    await second.polls();
    const { vms, onEach } = await vmOnEach(HOST, 'second-host');
    const users = await Promise.all(onEach.map((vm) => joinChat(vm.address!.ip, 8080, 'lobby', 'ann')));
    await killed(second.child);
    for (const user of users) {
      user.say('still here');
      await user.hears('still here');
    }
    const [stays, waits] = onEach as [VmView, VmView];
    await users[0]!.leave();
    await stack.call('DELETE', `/v1/vms/${stays.name}`);
    await seeVm(stack, stays.name, 'its end while the other host is away', ({ state }) => state === 'destroyed');

    await (await startHost('second-host', { EPHEMERA_STATE_DIR: second.stateDir })).polls();
    await seeVm(stack, waits.name, 'its user', ({ connections }) => connections === 1);
    await users[1]!.leave();
    await Promise.all(vms.map(({ name }) => stack.call('DELETE', `/v1/vms/${name}`)));
    for (const { name } of vms) await seeVm(stack, name, 'its end', ({ state }) => state === 'destroyed');
    expect(await stack.machines()).toEqual([]);
  });
});

describe('the sweeper', () => {
  it('removes machines that nobody owns from each host', { timeout: 180_000 }, async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const second = await startHost('swept-host');
    await second.polls();
    const { vms, onEach } = await vmOnEach(HOST, 'swept-host');
    await Promise.all(
      vms.map(({ project, name }) =>
        server.client.workflow.getHandle(vmWorkflowId(project, name)).terminate('its machine has no owner now'),
      ),
    );
    const machines = async () => [
      ...(await stack.machines()),
      ...(await readdir(join(second.stateDir, 'machines')).catch(() => [])),
    ];
    for (const { machineId } of onEach) expect(await machines()).toContain(machineId);
    await eventually(stack, 'both hosts are swept', async () => ((await machines()).length === 0 ? true : undefined));
  });
});

describe('two workers of one host id', () => {
  it('are one too many: the second one names the first and ends, which goes on', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const second = await startHost(HOST);
    await second.ended;
    expect(second.child.exitCode).toBe(WORKER_EXIT.otherWorker);
    expect(second.output()).toContain(`serves as host \\"${HOST}\\" already: process ${stack.worker.pid()}`);
    expect(second.output()).not.toContain('the worker polls');
    const { name } = await readyVm();
    await stack.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
  });

  it('that start at the same moment: only one of them stays', async () => {
    const twins = await Promise.all([startHost('twin'), startHost('twin')]);
    await Promise.race(twins.map(({ ended }) => ended));
    const stays = twins.find(({ isUp }) => isUp());
    await stays?.polls();
    expect(twins.filter(({ isUp }) => isUp())).toHaveLength(1);
    const gone = twins.find((twin) => twin !== stays);
    expect(gone?.output()).toContain(`process ${stays?.child.pid} on `);
  });

  it('are fine where the first one has ended: the host id may move to another computer', async () => {
    const first = await startHost('mover');
    await first.polls();
    await killed(first.child);
    const begunAt = Date.now();
    const second = await startHost('mover');
    await second.polls();
    expect(second.isUp()).toBe(true);
    expect(Date.now() - begunAt).toBeLessThan(20_000);
  });
});
