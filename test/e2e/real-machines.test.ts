import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import type { CreateVm } from '../../client/api-client.ts';
import { ensureImage } from '../../test-support/machines/guest-image.ts';
import type { ShownVm } from '../../test-support/api/api-calls.ts';
import { joinChat } from '../../test-support/chat-client.ts';
import { whyNoGuests } from '../../test-support/machines/qemu-harness.ts';
import { everythingTemporalTells, filesWith, holds, processes } from '../../test-support/secret-search.ts';
import { eventually, killMachine, seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const unavailable = whyNoGuests();
/** From a create to a guest's ready app, under software emulation beside other tests. */
const READY_SECONDS = 120;
const SWEEP_SECONDS = 5;

describe.skipIf(unavailable !== undefined)('a VM that is a real virtual machine', () => {
  let server: TestServer;
  let stack: Stack;
  beforeAll(async () => {
    const image = await ensureImage();
    server = await startTestServer();
    const env = {
      EPHEMERA_PROVIDER: 'qemu',
      EPHEMERA_QEMU_IMAGE_DIR: dirname(image.kernel),
      EPHEMERA_QEMU_ACCELERATOR: 'tcg',
      EPHEMERA_SWEEP_INTERVAL_SECONDS: `${SWEEP_SECONDS}`,
    };
    stack = await startStack({ server, env });
  }, 300_000);
  afterAll(async () => {
    await stack.stop();
    await server.stop();
  });

  async function create(spec: CreateVm = {}): Promise<ShownVm> {
    onTestFailed(async () => console.log(await stack.logs()));
    const name = `vm-${randomUUID().slice(0, 8)}`;
    const wait = { wait: 'ready', timeoutSeconds: READY_SECONDS } as const;
    const { status, body } = await stack.calls.createVm({ name, template: 'chat', ...spec }, wait);
    expect(status, JSON.stringify(body)).toBe(201);
    return body;
  }
  const see = (name: string, what: string, wanted: (vm: ShownVm) => boolean, deadlineMs?: number): Promise<ShownVm> =>
    seeVm(stack, name, what, wanted, deadlineMs);

  it('lives a whole life, is adopted by a new worker meanwhile, and is seen gone', async () => {
    const { name, address, machineId } = await create({ idle: { timeoutSeconds: 3 } });
    const { ip } = address!;
    const ann = await joinChat(ip, 8080, 'lobby', 'ann');
    const bob = await joinChat(ip, 8080, 'lobby', 'bob');
    ann.say('hello bob');
    await bob.hears('hello bob');
    await see(name, '2 connections', ({ connections }) => connections === 2, 20_000);
    await stack.worker.kill();
    bob.say('hello ann');
    await ann.hears('hello ann');
    await ann.leave();
    await stack.worker.start();
    expect(await see(name, '1 connection', ({ connections }) => connections === 1, 60_000)).toMatchObject({
      machineId,
    });
    await bob.leave();
    const gone = await see(name, 'ended', ({ state }) => state === 'destroyed', 60_000);
    expect(gone.reason).toBe('idle');
    expect(await stack.machines()).not.toContain(machineId);
    await expect(fetch(`http://${ip}:8080/healthz`)).rejects.toThrow();
  });

  it('runs its startup script once, as root, with secrets that came over its link', async () => {
    const token = `token-${randomUUID()}`;
    const { name, address, machineId } = await create({
      env: { GREETING: 'hello' },
      secretEnv: { TOKEN: token, CHAT_TITLE: `title of ${token}` },
      startupScript: '#!/bin/sh -e\necho "ran with $GREETING and $(echo -n "$TOKEN" | wc -c) bytes as $(id -u)"\n',
    });
    expect(await (await fetch(`http://${address!.ip}:8080/`)).text()).toContain(token);
    const { body } = await stack.calls.getConsole(name);
    const ran = body.text.match(/ran with .*/g);
    expect(ran).toEqual([`ran with hello and ${token.length} bytes as 0`]);
    // Its order, its firmware file, the logs and the command line of QEMU know nothing of it; histories neither.
    expect(await filesWith(stack.stateDir, machineId)).toContain(`machines-qemu/${machineId}/assignment.json`);
    expect(await filesWith(stack.stateDir, token)).toEqual([]);
    const seen = processes().filter((one) => holds(one.commandLine, token) || holds(one.environment, token));
    expect(seen).toEqual([]);
    expect(holds(await everythingTemporalTells(server.client), token)).toBe(false);
    await stack.calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 60 });
  });

  it('boots on through a kill -9 of worker and API', async () => {
    const name = `vm-${randomUUID().slice(0, 8)}`;
    await stack.calls.createVm({ name, template: 'chat' });
    const { machineId } = await see(name, 'booting', ({ state }) => state === 'booting', 60_000);
    await Promise.all([stack.worker.kill(), stack.apis[0]!.kill()]);
    await Promise.all([stack.worker.start(), stack.apis[0]!.start()]);
    const vm = await see(name, 'running', ({ state }) => state === 'running', READY_SECONDS * 1000);
    expect(vm.machineId).toBe(machineId);
    await (await joinChat(vm.address!.ip, 8080, 'lobby', 'ann')).leave();
    const ended = await stack.calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 60 });
    expect(ended.body).toMatchObject({ state: 'destroyed', reason: 'requested' });
  });

  it('is lost within 15 s of a kill -9 of its hypervisor, and comes back under its name', async () => {
    const { name, machineId } = await create({ onLost: 'recreate' });
    const killedAt = Date.now();
    await killMachine(stack, machineId);
    await see(name, 'lost', (vm) => vm.state !== 'running', 15_000);
    expect(Date.now() - killedAt).toBeLessThan(15_000);
    const again = await see(name, 'back', ({ state }) => state === 'running', READY_SECONDS * 1000);
    expect(again.machineId).not.toBe(machineId);
    const { body } = await stack.calls.getTimeline(name);
    expect(body.events.some(({ reason }) => reason === 'lost')).toBe(true);
    const console_ = await stack.calls.getConsole(name);
    expect(console_.status).toBe(200);
    await stack.calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 60 });
    expect(await stack.machines()).not.toContain(again.machineId);
  });

  it('goes with a sweep when its workflow was terminated', async () => {
    const vm = await create();
    await server.client.workflow.getHandle(vm.workflowId).terminate('a person pressed Terminate');
    await eventually(
      stack,
      'the orphan gone',
      async () => ((await stack.machines()).includes(vm.machineId) ? undefined : true),
      (SWEEP_SECONDS + 15) * 1000 + 10_000,
    );
  });
});
