import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import type { VmView } from '../../domain/vm/view.ts';
import { joinChat } from '../../test-support/chat-client.ts';
import { eventually, seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

let server: TestServer;
let stack: Stack;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  stack = await startStack({ server, env: { EPHEMERA_SWEEP_INTERVAL_SECONDS: '5' } });
  onTestFailed(async () => console.log(await stack.logs()));
});
afterEach(async () => {
  await stack.stop();
});

const newName = (): string => `vm-${randomUUID().slice(0, 8)}`;
const see = (name: string, what: string, wanted: (vm: VmView) => boolean, deadlineMs?: number): Promise<VmView> =>
  seeVm(stack, name, what, wanted, deadlineMs);
const create = async (idle: object = {}): Promise<string> => {
  const name = newName();
  const { status } = await stack.call('POST', '/v1/vms', { name, template: 'chat', idle });
  expect(status).toBe(201);
  return name;
};
const ready = (name: string): Promise<VmView> => see(name, 'running', ({ state }) => state === 'running');

describe('kill -9 of worker and API', () => {
  it('right after a create: the VM goes on and there is one machine', async () => {
    const name = await create();
    await Promise.all([stack.worker.kill(), stack.apis[0]!.kill()]);
    await Promise.all([stack.worker.start(), stack.apis[0]!.start()]);
    const vm = await ready(name);
    expect(await stack.machines()).toEqual([vm.machineId]);
  });

  it('in the middle of a create: the VM gets a machine, and the one that was left behind goes', async () => {
    const name = await create();
    await eventually(stack, 'a machine directory', async () =>
      (await stack.machines()).length > 0 ? true : undefined,
    );
    await stack.worker.kill();
    await stack.worker.start();
    const { machineId } = await ready(name);
    await eventually(stack, 'its machine alone', async () =>
      (await stack.machines()).join() === machineId ? true : undefined,
    );
    expect((await ready(name)).machineId).toBe(machineId);
  });

  it('while it runs with a user: the machine keeps serving, is adopted, and ends at its deadline', async () => {
    const name = await create({ timeoutSeconds: 2 });
    const { address, machineId } = await ready(name);
    const ann = await joinChat(address!.ip, 8080, 'lobby', 'ann');
    await see(name, 'one connection', ({ connections }) => connections === 1);
    await Promise.all([stack.worker.kill(), stack.apis[0]!.kill()]);
    ann.say('is anybody there?');
    await ann.hears('is anybody there?');
    await ann.leave();
    const bob = await joinChat(address!.ip, 8080, 'lobby', 'bob');
    await Promise.all([stack.worker.start(), stack.apis[0]!.start()]);
    expect(await see(name, 'still running', () => true)).toMatchObject({ state: 'running', machineId });
    bob.say('I am');
    await bob.hears('I am');
    await bob.leave();
    expect(await see(name, 'idle end', ({ state }) => state === 'destroyed')).toMatchObject({ reason: 'idle' });
    expect(await stack.machines()).toEqual([]);
  });

  it('while its idle deadline passes: a VM somebody joined meanwhile is kept', async () => {
    const name = await create({ timeoutSeconds: 2 });
    const { address } = await ready(name);
    const ann = await joinChat(address!.ip, 8080, 'lobby', 'ann');
    await see(name, 'one connection', ({ connections }) => connections === 1);
    await ann.leave();
    await see(name, 'empty', ({ connections }) => connections === 0);
    await stack.worker.kill();
    const bob = await joinChat(address!.ip, 8080, 'lobby', 'bob');
    const deadline = Date.now() + 3000;
    await eventually(stack, 'the deadline passed', () => Promise.resolve(Date.now() > deadline ? true : undefined));
    await stack.worker.start();
    expect(await see(name, 'kept', ({ connections }) => connections === 1)).toMatchObject({ state: 'running' });
    await bob.leave();
    expect(await see(name, 'idle end', ({ state }) => state === 'destroyed')).toMatchObject({ reason: 'idle' });
  });

  it('while it drains: it stays drained, keeps its user, and ends when the user left', async () => {
    const name = await create();
    const { address } = await ready(name);
    const ann = await joinChat(address!.ip, 8080, 'lobby', 'ann');
    await see(name, 'one connection', ({ connections }) => connections === 1);
    await stack.call('POST', `/v1/vms/${name}/drain`);
    await Promise.all([stack.worker.kill(), stack.apis[0]!.kill()]);
    await Promise.all([stack.worker.start(), stack.apis[0]!.start()]);
    expect(await see(name, 'draining', ({ state }) => state === 'draining')).toMatchObject({ connections: 1 });
    // The machine may not have been told before the kill; then the worker that follows tells it.
    await eventually(stack, 'nobody else gets in', async () => {
      const bob = await joinChat(address!.ip, 8080, 'lobby', 'bob').catch(() => undefined);
      await bob?.leave();
      return bob === undefined ? true : undefined;
    });
    await ann.leave();
    expect(await see(name, 'end', ({ state }) => state === 'destroyed')).toMatchObject({ reason: 'drained' });
    expect(await stack.machines()).toEqual([]);
  });

  it('while it is destroyed: the machine goes, and the end is told', async () => {
    const name = await create();
    await ready(name);
    await stack.call('DELETE', `/v1/vms/${name}`);
    await stack.worker.kill();
    await stack.worker.start();
    expect(await see(name, 'destroyed', ({ state }) => state === 'destroyed')).toMatchObject({ reason: 'requested' });
    expect(await stack.machines()).toEqual([]);
  });

  it('with no worker at all: a DELETE is kept and carried out later, and ?wait=ready answers in time', async () => {
    await stack.worker.kill();
    const name = newName();
    const begun = Date.now();
    const waited = await stack.call('POST', '/v1/vms?wait=ready&timeoutSeconds=2', { name, template: 'chat' });
    expect(waited).toMatchObject({ status: 202, body: { state: 'creating' } });
    expect(Date.now() - begun).toBeLessThan(10_000);
    expect((await stack.call('DELETE', `/v1/vms/${name}`)).status).toBe(202);
    await stack.worker.start();
    expect(await see(name, 'destroyed', ({ state }) => state === 'destroyed')).toMatchObject({ reason: 'requested' });
    expect(await stack.machines()).toEqual([]);
  });
});

describe('kill -9 of the Temporal server, its file kept', () => {
  it('loses no VM, no count and no deadline', async () => {
    const [busy, leaving] = [await create({ timeoutSeconds: 2 }), await create({ timeoutSeconds: 3 })];
    const [busyVm, leavingVm] = [await ready(busy), await ready(leaving)];
    const ann = await joinChat(busyVm.address!.ip, 8080, 'lobby', 'ann');
    const bob = await joinChat(leavingVm.address!.ip, 8080, 'lobby', 'bob');
    await see(leaving, 'one connection', ({ connections }) => connections === 1);
    await see(busy, 'one connection', ({ connections }) => connections === 1);
    await server.kill();
    await bob.leave();
    await server.restart();
    expect(await see(leaving, 'idle end', ({ state }) => state === 'destroyed', 90_000)).toMatchObject({
      reason: 'idle',
    });
    expect(await see(busy, 'kept', ({ state }) => state === 'running')).toMatchObject({
      machineId: busyVm.machineId,
      connections: 1,
    });
    expect(await stack.machines()).toEqual([busyVm.machineId]);
    await ann.leave();
    await see(busy, 'idle end', ({ state }) => state === 'destroyed', 60_000);
  });
});
