import { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isUpdateDropped } from '../../../api/http/errors/temporal-errors.ts';
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
  awaitReadyUpdate,
  reportSignal,
  sealedInputQuery,
  startSignal,
  startUpdate,
  stopSignal,
  stopUpdate,
  timelineQuery,
  viewQuery,
  type VmInput,
} from '../../../workflows/messages.ts';
import type { runVm } from '../../../workflows/vm/vm.ts';

const NO_OPTIONS: { args: [undefined] } = { args: [undefined] };

let harness: VmHarness;
beforeAll(async () => {
  harness = await startVmHarness();
});
afterAll(() => harness.stop());

async function running(
  title: string,
  changes?: SpecChanges,
  input?: Partial<VmInput>,
): Promise<{ park: FakeMachines; vm: VmHandle; machineId: string }> {
  const { park, start } = await harness.park(title);
  const vm = await start(changes, input);
  const { machineId } = await untilView(vm, ({ state }) => state === 'running');
  return { park, vm, machineId };
}

const refusal = async (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => 'none',
    (error: unknown) => (error instanceof WorkflowUpdateFailedError ? (error.cause as { type?: string }).type : error),
  );

/** As the API asks: what was dropped on the way to a fresh history is asked again. */
async function asked<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isUpdateDropped(error)) throw error;
    }
  }
}

describe('a VM that is stopped', () => {
  it('keeps its machine, and a start brings the same one back at a fresh address', async (test) => {
    const { park, vm, machineId } = await running(test.task.name);
    expect(await vm.executeUpdate(stopUpdate, NO_OPTIONS)).toMatchObject({
      state: 'stopping',
      reason: 'requested',
      keeps: ['disk'],
    });
    const stopped = await untilView(vm, ({ state }) => state === 'stopped');
    expect(stopped).toMatchObject({ machineId, aliveBecause: 'stopped', keeps: ['disk'], startedFrom: 'new' });
    expect(stopped).not.toHaveProperty('address');
    expect([...park.stopped]).toEqual([machineId]);
    await vm.executeUpdate(startUpdate, NO_OPTIONS);
    const again = await vm.executeUpdate<typeof stopped, []>('awaitReady');
    expect(again).toMatchObject({ state: 'running', machineId, startedFrom: 'stopped', address: { ip: '127.64.2.1' } });
    expect(again).not.toHaveProperty('keeps');
    expect([park.countOf('createMachine'), park.stopped.size, park.machines.size]).toEqual([1, 0, 1]);
    const story = await vm.query(timelineQuery);
    expect(story.map(({ state }) => state)).toEqual([
      ...['creating', 'booting', 'running', 'stopping', 'stopped', 'starting', 'booting', 'running'],
    ]);
    await vm.signal('destroy');
    expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'requested' });
    expect(park.machines.size).toBe(0);
  });

  it('takes stop and start as signals from a person with the Temporal CLI', async (test) => {
    const { vm } = await running(test.task.name);
    await vm.signal(stopSignal);
    await untilView(vm, ({ state }) => state === 'stopped');
    await vm.signal(startSignal);
    await untilView(vm, ({ state }) => state === 'running');
    await vm.terminate();
  });

  it('is not stopped while it has users, unless by force', async (test) => {
    const { vm, machineId } = await running(test.task.name);
    await vm.signal(reportSignal, { machineId, sequence: 2, connections: 1, sentAt: Date.now() });
    await untilView(vm, ({ connections }) => connections === 1);
    expect(await refusal(vm.executeUpdate(stopUpdate, NO_OPTIONS))).toBe('vmInUse');
    await vm.signal(stopSignal);
    expect(await vm.query(viewQuery)).toMatchObject({ state: 'running' });
    expect(await refusal(vm.executeUpdate(stopUpdate, { args: [{ uid: 'another-life' }] }))).toBe('otherLife');
    expect(await vm.executeUpdate(stopUpdate, { args: [{ force: true }] })).toMatchObject({ state: 'stopping' });
    await untilView(vm, ({ state }) => state === 'stopped');
    await vm.terminate();
  });

  it('is what an idle VM becomes when its action says so, until its retention is over', async (test) => {
    const idle = { action: 'stop', firstConnectTimeoutSeconds: 1, retentionSeconds: 2 } as const;
    const { park, vm, machineId } = await running(test.task.name, { idle });
    expect(await untilView(vm, ({ state }) => state === 'stopped')).toMatchObject({
      reason: 'neverConnected',
      nextDeadline: { kind: 'retention' },
    });
    expect([...park.stopped]).toEqual([machineId]);
    expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'neverConnected' });
    expect(park.machines.size).toBe(0);
  });

  it('is what a drain leads to when its action says so', async (test) => {
    const { vm, machineId } = await running(test.task.name, { idle: { action: 'stop' } });
    await vm.signal(reportSignal, { machineId, sequence: 2, connections: 1, sentAt: Date.now() });
    await vm.signal('drain');
    await untilView(vm, ({ state }) => state === 'draining');
    await vm.signal(reportSignal, { machineId, sequence: 3, connections: 0, sentAt: Date.now() });
    expect(await untilView(vm, ({ state }) => state === 'stopped')).toMatchObject({ reason: 'drained' });
    await vm.terminate();
  });

  it('starts after its stop when both are asked for at once, and stays stopped when that is asked for last', async (test) => {
    const { park, vm } = await running(test.task.name);
    park.faults.push({ name: 'stopMachine', kind: 'deaf' });
    await vm.executeUpdate(stopUpdate, NO_OPTIONS);
    expect(await vm.executeUpdate(startUpdate, NO_OPTIONS)).toMatchObject({ state: 'stopping', startsAgain: true });
    const ready = vm.executeUpdate('awaitReady');
    park.wake();
    expect(await ready).toMatchObject({ state: 'running', startedFrom: 'stopped' });
    await vm.executeUpdate(stopUpdate, NO_OPTIONS);
    await untilView(vm, ({ state }) => state === 'stopped');
    park.faults.push({ name: 'startMachine', kind: 'hang' });
    await vm.executeUpdate(startUpdate, NO_OPTIONS);
    await eventually(() => expect(park.countOf('startMachine')).toBe(2));
    await vm.executeUpdate(stopUpdate, NO_OPTIONS);
    await untilView(vm, ({ state }) => state === 'stopped');
    expect(park.stopped.size).toBe(1);
    await vm.terminate();
  });

  it('gets what was sealed for it again, also when its agent asks before the call that starts it returns', async (test) => {
    const { park, vm, machineId } = await running(test.task.name, {}, { sealed: 'sealed-text' });
    await vm.signal(reportSignal, { machineId, sequence: 2, connections: 0, sentAt: Date.now() });
    expect(await vm.query(sealedInputQuery)).toMatchObject({ assigned: true, sealed: null });
    await vm.executeUpdate(stopUpdate, NO_OPTIONS);
    await untilView(vm, ({ state }) => state === 'stopped');
    park.faults.push({ name: 'startMachine', kind: 'deaf' });
    await vm.executeUpdate(startUpdate, NO_OPTIONS);
    await untilView(vm, ({ state }) => state === 'starting');
    expect(await vm.query(sealedInputQuery)).toMatchObject({ machineId, assigned: false, sealed: 'sealed-text' });
    park.wake();
    await untilView(vm, ({ state }) => state === 'running');
    await vm.terminate();
  });

  it('is stopped again with its disk when it cannot be started, and says why', async (test) => {
    const { park, vm, machineId } = await running(test.task.name);
    await vm.executeUpdate(stopUpdate, NO_OPTIONS);
    await untilView(vm, ({ state }) => state === 'stopped');
    park.faults.push({ name: 'startMachine', kind: 'failForGood' });
    await vm.executeUpdate(startUpdate, NO_OPTIONS);
    expect(await vm.executeUpdate('awaitReady')).toMatchObject({ state: 'stopping' });
    const stopped = await untilView(vm, ({ state }) => state === 'stopped');
    expect(stopped.detail).toBe('the start failed: injected failure for good');
    park.faults.push({ name: 'awaitMachineReady', kind: 'failForGood' });
    await vm.executeUpdate(startUpdate, NO_OPTIONS);
    await untilView(vm, ({ state }) => state === 'stopped' && park.countOf('awaitMachineReady') === 2);
    expect([park.machines.has(machineId), park.stopped.has(machineId)]).toEqual([true, true]);
    await vm.executeUpdate(startUpdate, NO_OPTIONS);
    await untilView(vm, ({ state }) => state === 'running');
    await vm.terminate();
  });

  it('is destroyed at once when that is asked for while it stops', async (test) => {
    const { park, vm } = await running(test.task.name);
    park.faults.push({ name: 'stopMachine', kind: 'hang' });
    await vm.executeUpdate(stopUpdate, NO_OPTIONS);
    await vm.signal('destroy');
    expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'requested' });
    expect(park.machines.size).toBe(0);
  });

  it('ends as lost when its provider knows no such machine any more', async (test) => {
    const { park, vm, machineId } = await running(test.task.name);
    await vm.executeUpdate(stopUpdate, NO_OPTIONS);
    await untilView(vm, ({ state }) => state === 'stopped');
    await vm.signal('machineLost', { machineId });
    await untilView(vm, ({ state, detail }) => state === 'stopped' && detail !== undefined);
    park.machines.delete(machineId);
    await vm.signal('machineLost', { machineId });
    await expect(vm.result()).rejects.toThrow();
    expect(await vm.query(viewQuery)).toMatchObject({ state: 'failed', reason: 'lost' });
  });

  it('keeps what its host has when that is lost, and ends without it within a limited time', async (test) => {
    const { park, vm, machineId } = await running(test.task.name);
    await vm.executeUpdate(stopUpdate, NO_OPTIONS);
    await untilView(vm, ({ state }) => state === 'stopped');
    await vm.signal('machineLost', { machineId, cause: 'hostLost' });
    const stopped = await untilView(vm, ({ detail }) => detail?.startsWith('hostLost') === true);
    expect(stopped).toMatchObject({ state: 'stopped', machineId });
    await vm.executeUpdate(startUpdate, NO_OPTIONS);
    await untilView(vm, ({ state }) => state === 'running');
    expect(park.machines.size).toBe(1);
    await vm.terminate();
  });
});

describe('a VM that was started again', () => {
  it('is not lost because of what was said of its machine late, and is when its provider sees none', async (test) => {
    const { park, vm, machineId } = await running(test.task.name);
    await vm.executeUpdate(stopUpdate, NO_OPTIONS);
    await vm.executeUpdate(startUpdate, NO_OPTIONS);
    await untilView(vm, ({ state }) => state === 'running');
    await vm.signal('machineLost', { machineId });
    await eventually(() => expect(park.countOf('probeMachine')).toBe(1));
    expect(await untilView(vm, ({ health }) => health === 'ok')).toMatchObject({ state: 'running', machineId });
    await vm.signal('machineLost', { machineId, cause: 'hostLost', lostAt: Date.parse('2026-01-01') });
    expect(await vm.query(viewQuery)).toMatchObject({ state: 'running', machineId });
    park.machines.delete(machineId);
    await vm.signal('machineLost', { machineId });
    await expect(vm.result()).rejects.toThrow();
    expect(await vm.query(viewQuery)).toMatchObject({ state: 'failed', reason: 'lost' });
  });
});

describe('a VM whose stopped machine is gone', () => {
  it('ends and says so, also where a lost machine would be replaced', async (test) => {
    const { park, vm, machineId } = await running(test.task.name, { onLost: 'recreate' });
    await vm.executeUpdate(stopUpdate, NO_OPTIONS);
    await untilView(vm, ({ state }) => state === 'stopped');
    park.machines.delete(machineId);
    await vm.executeUpdate(startUpdate, NO_OPTIONS);
    await expect(vm.result()).rejects.toThrow();
    const { detail, ...ended } = await vm.query(viewQuery);
    expect(ended).toMatchObject({ state: 'failed', reason: 'lost', machineId });
    expect(detail).toMatch(/what it kept with it/);
    expect(park.countOf('createMachine')).toBe(1);
  });
});

describe('a VM whose stop is refused for long', () => {
  it('goes on in a fresh history, and is stopped there once that works', async (test) => {
    const { park, vm } = await running(test.task.name, {}, { historyLimitEvents: 60 });
    park.broken.add('stopMachine');
    await vm.executeUpdate(stopUpdate, NO_OPTIONS);
    const latest = harness.server.client.workflow.getHandle<typeof runVm>(vm.workflowId);
    // Whatever is said meanwhile is an event.
    await eventually(async () => {
      await latest.signal(startSignal);
      await latest.signal(stopSignal);
      expect((await latest.describe()).runId).not.toBe(vm.firstExecutionRunId);
    }, 60_000);
    // Both may have come before the fresh one had a task.
    expect(await untilView(latest, ({ state }) => state === 'stopping')).toMatchObject({ startsAgain: false });
    park.broken.delete('stopMachine');
    await untilView(latest, ({ state }) => state === 'stopped');
    await latest.signal(startSignal);
    await untilView(latest, ({ state }) => state === 'running');
    expect(park.countOf('createMachine')).toBe(1);
    await latest.terminate();
  });
});

describe('a VM that is restarted when its history is full', () => {
  it('gets ready in a fresh history, and keeps nobody waiting in the full one', async (test) => {
    const { park, vm } = await running(test.task.name, {}, { historyLimitEvents: 40 });
    const latest = harness.server.client.workflow.getHandle<typeof runVm>(vm.workflowId);
    park.broken.add('stopMachine');
    await asked(() => latest.executeUpdate(stopUpdate, NO_OPTIONS));
    await asked(() => latest.executeUpdate(startUpdate, NO_OPTIONS));
    // As a create that waits for the VM does.
    const waiting = asked(() => latest.executeUpdate(awaitReadyUpdate, { updateId: 'waits' }));
    for (let asked = 0; asked < 40; asked += 1) await latest.signal(startSignal);
    expect(await waiting).toMatchObject({ state: 'stopping', startsAgain: true });
    await eventually(async () => expect((await latest.describe()).runId).not.toBe(vm.firstExecutionRunId));
    park.broken.delete('stopMachine');
    expect(await untilView(latest, ({ state }) => state === 'running')).toMatchObject({ startedFrom: 'stopped' });
    expect([park.countOf('createMachine'), park.stopped.size]).toEqual([1, 0]);
    await latest.terminate();
  }, 120_000);
});
