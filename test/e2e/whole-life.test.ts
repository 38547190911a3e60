import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { answerOf, type ShownVm } from '../../test-support/api/api-calls.ts';
import { joinChat } from '../../test-support/chat-client.ts';
import { eventually, killMachine, seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const newName = (): string => `vm-${randomUUID().slice(0, 8)}`;
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  await server.stop();
});

/** Where a VM's chat is. */
export function chatAddress(vm: ShownVm): { ip: string; port: number } {
  const port = vm.address?.ports[0]?.port;
  if (vm.address === undefined || port === undefined) throw new Error(`no address: ${JSON.stringify(vm)}`);
  return { ip: vm.address.ip, port };
}

describe.each(['unix', 'http'] as const)('a whole life with agents that report over %s', (agentTransport) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ server, agentTransport });
  });
  afterAll(async () => {
    await stack.stop();
  });
  const see = (name: string, what: string, wanted: (vm: ShownVm) => boolean, deadlineMs?: number): Promise<ShownVm> =>
    seeVm(stack, name, what, wanted, deadlineMs);

  it('create, chat on its own address, 2 connections in the list, idle, seen gone, and the story of it', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const name = newName();
    const created = await stack.calls.createVm(
      {
        name,
        template: 'chat',
        idle: { timeoutSeconds: 2 },
      },
      { wait: 'ready', timeoutSeconds: 30 },
    );
    expect(created.status, JSON.stringify(created.body)).toBe(201);
    expect(created.body).toMatchObject({ name, state: 'running', provider: 'local', health: 'ok' });
    const { ip, port } = chatAddress(created.body);
    const [ann, bob] = [await joinChat(ip, port, 'lobby', 'ann'), await joinChat(ip, port, 'lobby', 'bob')];
    ann.say('hello bob');
    await bob.hears('hello bob');
    bob.say('hello ann');
    await ann.hears('hello ann');
    await eventually(stack, '2 connections in the list', async () => {
      const { body } = await stack.calls.listVms();
      return body.vms.find((vm) => vm.name === name)?.connections === 2 ? true : undefined;
    });
    expect(await see(name, 'alive because of connections', (vm) => vm.connections === 2)).toMatchObject({
      aliveBecause: 'connections',
    });
    await ann.leave();
    await bob.leave();
    const gone = await see(name, 'destroyed for idleness', (vm) => vm.state === 'destroyed', 90_000);
    expect(gone).toMatchObject({ reason: 'idle', aliveBecause: null });
    await expect(fetch(`http://${ip}:${port}/healthz`)).rejects.toThrow();
    expect(await stack.machines()).toEqual([]);
    const { body } = await stack.calls.getTimeline(name);
    const states = body.events.filter(({ kind }) => kind === 'state').map(({ state }) => state);
    expect(states).toEqual(['creating', 'booting', 'running', 'destroying', 'destroyed']);
    expect(body.events.at(-1)).toMatchObject({ reason: 'idle' });
  });

  it('50 concurrent creates of one name give one machine', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const name = newName();
    const before = (await stack.machines()).length;
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => stack.calls.createVm({ name, template: 'chat' })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(49);
    expect(new Set(answers.map(({ body }) => body.uid)).size).toBe(1);
    await see(name, 'running', (vm) => vm.state === 'running');
    expect(await stack.machines()).toHaveLength(before + 1);
    const ended = await stack.calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 30 });
    expect(ended).toMatchObject({ status: 200, body: { state: 'destroyed', reason: 'requested' } });
    const again = await stack.calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 30 });
    expect(again.status, 'destroy twice is fine').toBe(200);
    expect(await stack.machines()).toHaveLength(before);
  });

  it('a create that is repeated with its Idempotency-Key finds the first one', async () => {
    const orderId = `order-${randomUUID()}`;
    const create = async (): Promise<{ status: number; name: string }> => {
      const init = { params: { header: { 'Idempotency-Key': orderId } }, body: { template: 'chat' } };
      const { status, body } = await answerOf(stack.calls.client.POST('/v1/vms', init));
      return { status, name: body.name };
    };
    const [first, second] = [await create(), await create()];
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.name).toBe(first.name);
    await stack.calls.destroyVm(first.name, { wait: 'destroyed', timeoutSeconds: 30 });
    expect(await create()).toMatchObject({ status: 200, name: first.name });
  });

  it('a drained VM admits nobody new, keeps its users and ends when the last one left', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const name = newName();
    const created = await stack.calls.createVm({ name, template: 'chat' }, { wait: 'ready', timeoutSeconds: 30 });
    const { ip, port } = chatAddress(created.body);
    const ann = await joinChat(ip, port, 'lobby', 'ann');
    await see(name, 'one connection', (vm) => vm.connections === 1);
    expect(await stack.calls.drainVm(name)).toMatchObject({ body: { state: 'draining' } });
    await eventually(
      stack,
      'newcomers refused',
      async () => {
        const newcomer = await joinChat(ip, port, 'lobby', 'bob').catch(() => undefined);
        await newcomer?.leave();
        return newcomer === undefined ? true : undefined;
      },
      60_000,
    );
    ann.say('still here');
    await ann.hears('still here');
    await ann.leave();
    expect(await see(name, 'ended', (vm) => vm.state === 'destroyed', 90_000)).toMatchObject({ reason: 'drained' });
  });

  // Over HTTP the loss is only noticed by silence, which would take minutes; the rule behind is the same.
  if (agentTransport === 'unix')
    it('a lost machine is replaced under the same name', async () => {
      const name = newName();
      const created = await stack.calls.createVm(
        {
          name,
          template: 'chat',
          onLost: 'recreate',
        },
        { wait: 'ready', timeoutSeconds: 30 },
      );
      const { machineId, uid } = created.body;
      await killMachine(stack, machineId);
      const again = await see(
        name,
        'running on another machine',
        (vm) => vm.state === 'running' && vm.machineId !== machineId,
        30_000,
      );
      expect(again.uid).toBe(uid);
      const { ip, port } = chatAddress(again);
      await (await joinChat(ip, port, 'lobby', 'ann')).leave();
      const { body } = await stack.calls.getTimeline(name);
      expect(JSON.stringify(body.events)).toContain(`replaces ${machineId}`);
      await stack.calls.destroyVm(name, { wait: 'destroyed', timeoutSeconds: 30 });
      expect(await stack.machines()).not.toContain(again.machineId);
    });

  it('a machine that dies under its VM ends it as lost', async () => {
    const name = newName();
    const created = await stack.calls.createVm(
      {
        name,
        template: 'chat',
        idle: { silenceTimeoutSeconds: 60 },
      },
      { wait: 'ready', timeoutSeconds: 30 },
    );
    const { machineId } = created.body;
    await killMachine(stack, machineId);
    const withinMs = agentTransport === 'unix' ? 15_000 : 100_000;
    expect(await see(name, 'lost', (vm) => vm.state === 'failed', withinMs)).toMatchObject({ reason: 'lost' });
    expect(await stack.machines()).not.toContain(machineId);
  });
});
