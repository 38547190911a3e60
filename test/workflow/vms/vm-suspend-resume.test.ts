import { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../../test-support/eventually.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';
import {
  startVmHarness,
  untilView,
  type SpecChanges,
  type VmHandle,
  type VmHarness,
} from '../../../test-support/workflow/vm-harness.ts';
import {
  reportSignal,
  resumeSignal,
  resumeUpdate,
  startUpdate,
  stopUpdate,
  suspendSignal,
  suspendUpdate,
  timelineQuery,
  viewQuery,
} from '../../../workflows/messages.ts';

const NO_OPTIONS: { args: [undefined] } = { args: [undefined] };

let harness: VmHarness;
beforeAll(async () => {
  harness = await startVmHarness();
});
afterAll(() => harness.stop());

async function running(
  title: string,
  changes?: SpecChanges,
): Promise<{ park: FakeMachines; vm: VmHandle; machineId: string }> {
  const { park, start } = await harness.park(title);
  const vm = await start(changes);
  const { machineId } = await untilView(vm, ({ state }) => state === 'running');
  return { park, vm, machineId };
}

const refusal = async (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => 'none',
    (error: unknown) => (error instanceof WorkflowUpdateFailedError ? (error.cause as { type?: string }).type : error),
  );

describe('a VM that is suspended', () => {
  it('while it drains admits users again once it is resumed', async (test) => {
    const { park, vm, machineId } = await running(test.task.name);
    await vm.signal(reportSignal, { machineId, sequence: 2, connections: 1, sentAt: Date.now() });
    await vm.signal('drain');
    await eventually(() => expect(park.machines.get(machineId)).toMatchObject({ draining: true }));
    await vm.executeUpdate(suspendUpdate, { args: [{ force: true }] });
    await untilView(vm, ({ state }) => state === 'suspended');
    await vm.executeUpdate(resumeUpdate, NO_OPTIONS);
    await untilView(vm, ({ state }) => state === 'running');
    await eventually(() => expect(park.machines.get(machineId)).toMatchObject({ draining: false }));
  });

  it('keeps its machine with its memory, and a resume brings the same one back', async (test) => {
    const { park, vm, machineId } = await running(test.task.name);
    expect(await vm.executeUpdate(suspendUpdate, NO_OPTIONS)).toMatchObject({ state: 'suspending' });
    const suspended = await untilView(vm, ({ state }) => state === 'suspended');
    expect(suspended).toMatchObject({ machineId, aliveBecause: 'suspended', keeps: ['disk', 'memory'] });
    expect([...park.suspended]).toEqual([machineId]);
    await vm.executeUpdate(resumeUpdate, NO_OPTIONS);
    const again = await vm.executeUpdate<typeof suspended, []>('awaitReady');
    expect(again).toMatchObject({ state: 'running', machineId, startedFrom: 'suspended' });
    expect([park.countOf('createMachine'), park.countOf('startMachine'), park.suspended.size]).toEqual([1, 0, 0]);
    const story = await vm.query(timelineQuery);
    expect(story.map(({ state }) => state)).toEqual([
      ...['creating', 'booting', 'running', 'suspending', 'suspended', 'resuming', 'booting', 'running'],
    ]);
    await vm.signal('destroy');
    expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'requested' });
    expect(park.machines.size).toBe(0);
  });

  it('is asked as an update or as a signal, with users by force alone, and stopped it is not resumed', async (test) => {
    const { vm, machineId } = await running(test.task.name);
    await vm.signal(reportSignal, { machineId, sequence: 2, connections: 1, sentAt: Date.now() });
    await untilView(vm, ({ connections }) => connections === 1);
    expect(await refusal(vm.executeUpdate(suspendUpdate, NO_OPTIONS))).toBe('vmInUse');
    await vm.signal(suspendSignal);
    expect(await vm.query(viewQuery)).toMatchObject({ state: 'running' });
    await vm.signal(suspendSignal, { force: true });
    await untilView(vm, ({ state }) => state === 'suspended');
    await vm.signal(resumeSignal);
    await untilView(vm, ({ state }) => state === 'running');
    await vm.executeUpdate(stopUpdate, { args: [{ force: true }] });
    await untilView(vm, ({ state }) => state === 'stopped');
    expect(await refusal(vm.executeUpdate(resumeUpdate, NO_OPTIONS))).toBe('actionNotAllowed');
    await vm.terminate();
  });

  it('is what an idle VM becomes when its action says so, then stopped, then gone', async (test) => {
    const idle = { action: 'suspend', firstConnectTimeoutSeconds: 1, retentionSeconds: 2 } as const;
    const { park, vm, machineId } = await running(test.task.name, { idle });
    expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'neverConnected', machineId });
    const story = await vm.query(timelineQuery);
    const states = story.filter(({ kind }) => kind === 'state').map(({ state }) => state);
    const down = states.slice(states.indexOf('suspending'));
    expect(down).toEqual(['suspending', 'suspended', 'stopping', 'stopped', 'destroying', 'destroyed']);
    expect(park.machines.size).toBe(0);
  });

  it('is woken by a start, and suspended again with what it kept when it cannot be resumed', async (test) => {
    const { park, vm, machineId } = await running(test.task.name);
    await vm.executeUpdate(suspendUpdate, NO_OPTIONS);
    await untilView(vm, ({ state }) => state === 'suspended');
    park.faults.push({ name: 'resumeMachine', kind: 'failForGood' });
    await vm.executeUpdate(startUpdate, NO_OPTIONS);
    const back = await untilView(vm, ({ state, detail }) => state === 'suspended' && detail !== undefined);
    expect(back.detail).toBe('the start failed: injected failure for good');
    expect([...park.suspended]).toEqual([machineId]);
    await vm.executeUpdate(startUpdate, NO_OPTIONS);
    expect(await untilView(vm, ({ state }) => state === 'running')).toMatchObject({ startedFrom: 'suspended' });
    await vm.terminate();
  });

  it('survives a lost reply of each of both, and a destroy in the middle', async (test) => {
    const { park, vm, machineId } = await running(test.task.name);
    park.faults.push({ name: 'suspendMachine', kind: 'loseReply' }, { name: 'resumeMachine', kind: 'loseReply' });
    await vm.executeUpdate(suspendUpdate, NO_OPTIONS);
    await vm.executeUpdate(resumeUpdate, NO_OPTIONS);
    expect(await vm.executeUpdate('awaitReady')).toMatchObject({ state: 'running', machineId });
    park.faults.push({ name: 'suspendMachine', kind: 'hang' });
    await vm.executeUpdate(suspendUpdate, NO_OPTIONS);
    await vm.signal('destroy');
    expect(await vm.result()).toMatchObject({ state: 'destroyed' });
    expect(park.machines.size).toBe(0);
  });
});

describe('a VM whose provider refuses to suspend it', () => {
  it('runs on for whoever asked, and says why', async (test) => {
    const { park, vm, machineId } = await running(test.task.name);
    park.faults.push({ name: 'suspendMachine', kind: 'failForGood' });
    await vm.executeUpdate(suspendUpdate, NO_OPTIONS);
    await eventually(() => expect(park.countOf('resumeMachine')).toBe(1));
    expect(await vm.executeUpdate('awaitReady')).toMatchObject({ state: 'running', machineId });
    const why = (await vm.query(timelineQuery)).find(({ state }) => state === 'resuming');
    expect(why?.detail).toBe('it cannot be suspended: injected failure for good');
    await vm.terminate();
  });

  it('is stopped instead where nobody uses it', async (test) => {
    const { park, start } = await harness.park(test.task.name);
    park.faults.push({ name: 'suspendMachine', kind: 'failForGood' });
    const vm = await start({ idle: { action: 'suspend', firstConnectTimeoutSeconds: 1 } });
    const stopped = await untilView(vm, ({ state }) => state === 'stopped');
    expect(stopped).toMatchObject({ reason: 'neverConnected', keeps: ['disk'] });
    expect(stopped.detail).toContain('it cannot be suspended');
    await vm.terminate();
  });
});
