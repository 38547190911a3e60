import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest';
import type { VmView } from '../../domain/vm/view.ts';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import { abandonedBy } from '../../test-support/machines/abandoned-creates.ts';
import { joinChat, type ChatClient } from '../../test-support/chat-client.ts';
import { eventually, seeVm, startStack, type Part, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const LANES = 3;
const STAYERS = 2;

let server: TestServer;
let stack: Stack;
beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({ server, controlWorkers: 2, env: { EPHEMERA_SWEEP_INTERVAL_SECONDS: '5' } });
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

interface Life {
  ready: VmView;
  end: VmView;
  wished: 'requested' | 'idle';
}

async function readyVm(name: string, idle: object = {}): Promise<VmView> {
  const { status, body } = await stack.call('POST', '/v1/vms?wait=ready&timeoutSeconds=120', {
    name,
    template: 'chat',
    idle,
  });
  expect({ status, state: body.state }, JSON.stringify(body)).toEqual({ status: 201, state: 'running' });
  return body;
}

async function userOf(vm: VmView, name: string): Promise<ChatClient> {
  const user = await joinChat(vm.address!.ip, 8080, 'lobby', name);
  user.say(`${name} is here`);
  await user.hears(`${name} is here`);
  return user;
}

/** A VM is made, used, and ended by request or by being left. */
async function liveOnce(name: string, wished: Life['wished']): Promise<Life> {
  const ready = await readyVm(name, wished === 'idle' ? { timeoutSeconds: 1 } : {});
  const user = await userOf(ready, 'ann');
  await seeVm(stack, name, 'its user counted', ({ connections }) => connections === 1);
  await user.leave();
  if (wished === 'requested') await stack.call('DELETE', `/v1/vms/${name}`);
  const hasEnded = ({ state }: VmView): boolean => state === 'destroyed' || state === 'failed';
  return { ready, wished, end: await seeVm(stack, name, 'its end', hasEnded, 120_000) };
}

function steadyLoad(): { stop: () => Promise<Life[]> } {
  let isOver = false;
  const lane = async (number: number): Promise<Life[]> => {
    const lives: Life[] = [];
    while (!isOver) {
      const wished = (number + lives.length) % 2 === 0 ? 'requested' : 'idle';
      lives.push(await liveOnce(`vm-${number}-${lives.length}`, wished));
    }
    return lives;
  };
  const lanes = Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
  lanes.catch(() => undefined);
  return {
    stop: async () => {
      isOver = true;
      return (await lanes).flat();
    },
  };
}

it('a rolling restart of workers under load loses no VM, fails no create and makes nothing twice', async () => {
  onTestFailed(async () => console.log(await stack.logs()));
  const stayers = await Promise.all(Array.from({ length: STAYERS }, (_, index) => readyVm(`stays-${index}`)));
  const users = await Promise.all(stayers.map((vm) => userOf(vm, 'bob')));
  const load = steadyLoad();
  const [first, second] = stack.controls as [Part, Part];
  const restarts: [Part, 'end' | 'kill'][] = [
    [first, 'end'],
    [second, 'end'],
    [stack.worker, 'end'],
    [first, 'kill'],
    [stack.worker, 'kill'],
  ];
  for (const [index, [part, how]] of restarts.entries()) {
    await part[how]();
    await part.start();
    const whileDown = `restart ${index}`;
    for (const user of users) user.say(whileDown);
    for (const user of users) await user.hears(whileDown);
  }
  const lives = await load.stop();

  expect(lives.length).toBeGreaterThanOrEqual(LANES);
  for (const { ready, end, wished } of lives) {
    expect(end).toMatchObject({ state: 'destroyed', reason: wished, machineId: ready.machineId });
  }
  for (const { name, machineId } of stayers) {
    await seeVm(stack, name, 'still used', (vm) => vm.state === 'running' && vm.connections === 1);
    expect((await stack.call('GET', `/v1/vms/${name}`)).body.machineId).toBe(machineId);
  }
  const stayed = stayers.map(({ machineId }) => machineId).sort();
  await eventually(stack, 'the machines of those who stay alone', async () => {
    const machines = await stack.machines();
    return machines.sort().join() === stayed.join() ? true : undefined;
  });
  const handles = lives.map(({ end }) => server.client.workflow.getHandle(vmWorkflowId('default', end.name)));
  const abandoned = (await Promise.all(handles.map(abandonedBy))).flat();
  const asked = [...lives.map(({ ready }) => ready.machineId), ...abandoned];
  const destroyed = await readdir(join(stack.stateDir, 'machine-tombstones'));
  const others = destroyed.filter((name) => name.startsWith('m-'));
  expect(asked, 'machines that nobody asked for').toEqual(expect.arrayContaining(others));
  expect(others, 'machines of lives').toEqual(expect.arrayContaining(lives.map(({ ready }) => ready.machineId)));
  await Promise.all(users.map((user) => user.leave()));
});
