/** A worker that runs out of file descriptors, and gets them back. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import type { VmView } from '../../domain/vm/view.ts';
import { joinChat } from '../../test-support/chat-client.ts';
import { HAS_PRLIMIT, takeDescriptors } from '../../test-support/descriptors.ts';
import { eventually, processesOf, seeVm, stallMachine, startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

// The SDK's workflow thread aborts its whole process without descriptors, so the control role is elsewhere.
describe.skipIf(!HAS_PRLIMIT)('a host worker without file descriptors', () => {
  let server: TestServer;
  let stack: Stack;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(async () => {
    await server.stop();
  });
  beforeEach(async () => {
    stack = await startStack({ server, controlWorkers: 1, env: { EPHEMERA_SWEEP_INTERVAL_SECONDS: '5' } });
    onTestFailed(async () => console.log(await stack.logs()));
  });
  afterEach(async () => {
    await stack.stop();
  });

  const create = async (more: object = {}): Promise<string> => {
    const name = `vm-${randomUUID().slice(0, 8)}`;
    expect((await stack.call('POST', '/v1/vms', { name, template: 'chat', ...more })).status).toBe(201);
    return name;
  };
  const inState = (name: string, wanted: VmView['state']): Promise<VmView> =>
    seeVm(stack, name, wanted, ({ state }) => state === wanted);
  const runningOf = async (machineId: string): Promise<number> =>
    (await processesOf(stack)).filter((line) => line.includes(machineId)).length;
  const now = async (name: string): Promise<VmView> => (await stack.call('GET', `/v1/vms/${name}`)).body;

  it('loses no VM at any step of its life, calls none destroyed while its machine lives, and goes on with new ones', async () => {
    const [used, silent, leaving] = [
      await create(),
      await create({ idle: { silenceTimeoutSeconds: 2 } }),
      await create(),
    ];
    const usedVm = await inState(used, 'running');
    const silentVm = await inState(silent, 'running');
    const leavingVm = await inState(leaving, 'running');
    const ann = await joinChat(usedVm.address!.ip, 8080, 'lobby', 'ann');
    await seeVm(stack, used, 'a user', ({ connections }) => connections === 1);
    const empty = await create({ idle: { firstConnectTimeoutSeconds: 2 } });
    const emptyVm = await inState(empty, 'running');
    const slow = await create({ startupScript: 'sleep 6' });
    const slowVm = await inState(slow, 'booting');

    const worker = stack.worker.pid()!;
    const giveBack = await takeDescriptors(worker);
    const goOn = await stallMachine(stack, silentVm.machineId);
    await stack.call('DELETE', `/v1/vms/${leaving}`);
    const late = await create();
    await inState(leaving, 'destroying');
    // By then the silent one is asked after, and several sweeps and looks at the slow one were tried.
    const until = Date.now() + 8000;
    await eventually(stack, 'eight seconds', () => Promise.resolve(Date.now() > until ? true : undefined));
    expect(await now(leaving)).toMatchObject({ state: 'destroying' });
    expect(['running', 'destroying']).toContain((await now(empty)).state);
    for (const { machineId } of [leavingVm, emptyVm]) expect(await runningOf(machineId)).toBeGreaterThan(0);
    expect(await now(late)).toMatchObject({ state: 'creating' });
    for (const { name, machineId } of [usedVm, silentVm]) {
      expect(await now(name)).toMatchObject({ state: 'running', machineId });
    }
    expect(['booting', 'running']).toContain((await now(slow)).state);

    goOn();
    await giveBack();
    for (const { name, machineId } of [leavingVm, emptyVm]) {
      const { reason } = await inState(name, 'destroyed');
      expect(reason).toBe(name === leaving ? 'requested' : 'neverConnected');
      expect(await runningOf(machineId)).toBe(0);
    }
    await inState(late, 'running');
    expect(await inState(slow, 'running')).toMatchObject({ machineId: slowVm.machineId });
    await seeVm(stack, silent, 'heard again', ({ state, health }) => state === 'running' && health === 'ok');
    expect(await now(used)).toMatchObject({ state: 'running', machineId: usedVm.machineId, connections: 1 });
    ann.say('am I still here?');
    await ann.hears('am I still here?');
    await ann.leave();
    expect(stack.worker.pid()).toBe(worker);
    expect(await stack.logs()).not.toMatch(/uncaught|Native stack trace/);
  });
});
