/** Idle VMs of an earlier version make room, though worker, API and Temporal are killed while they are told. */
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest';
import { joinChat } from '../../test-support/chat-client.ts';
import { eventually, seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { putTemplate } from '../../test-support/trials/put-template.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

let server: TestServer;
let stack: Stack;
beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({ server });
}, 120_000);
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

const ROOM = 'lobby';

/** Each change is one more cpu, so the version is as many. */
async function put(cpus: number): Promise<void> {
  const spec = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }], cpus, idle: { timeoutSeconds: 600 } };
  await putTemplate(stack, 'arena', { spec, rollIdle: true }, cpus);
}

async function create(name: string): Promise<{ ip: string; machineId: string }> {
  const made = await stack.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { name, template: 'arena' });
  expect([made.status, made.body['state']]).toEqual([201, 'running']);
  const { address, machineId } = made.body as { address?: { ip: string }; machineId?: string };
  return { ip: address!.ip, machineId: machineId! };
}

it('kill -9 of worker, API and Temporal while VMs are told loses no order, and touches no VM in use', async () => {
  onTestFailed(async () => console.log(await stack.logs()));
  await put(1);
  const idle = ['idle-1', 'idle-2', 'idle-3'];
  const busy = await create('busy');
  const person = await joinChat(busy.ip, 8080, ROOM, 'ann');
  for (const name of idle) {
    const { ip } = await create(name);
    await (await joinChat(ip, 8080, ROOM, 'bob')).leave();
  }
  for (const name of idle)
    await seeVm(stack, name, 'everybody has left', ({ aliveBecause }) => aliveBecause === 'idleGrace');
  await put(2);
  await create('newer');
  await Promise.all([stack.worker.kill(), stack.apis[0]!.kill()]);
  await server.kill();
  await server.restart();
  await Promise.all([stack.worker.start(), stack.apis[0]!.start()]);
  for (const name of idle) {
    const ended = await seeVm(stack, name, 'it made room', ({ state }) => state === 'destroyed', 120_000);
    expect(ended).toMatchObject({ reason: 'idle', template: { version: 1 } });
  }
  const now = await seeVm(stack, 'busy', 'it knows', ({ newerVersion }) => newerVersion === 2);
  expect(now).toMatchObject({
    state: 'running',
    machineId: busy.machineId,
    connections: 1,
    aliveBecause: 'connections',
  });
  person.say('still here');
  await person.hears('still here');
  await eventually(stack, 'two machines', async () => ((await stack.machines()).length === 2 ? true : undefined));
  await person.leave();
}, 240_000);
