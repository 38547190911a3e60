import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure, defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { SEARCH_ATTRIBUTE } from '../../../domain/wire-names.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { takeBackUpdate, timelineQuery, viewQuery, type VmInput } from '../../../workflows/messages.ts';
import { startMemo } from '../../../api/vms/seen/vm-memo.ts';
import {
  startVmHarness,
  testSpec,
  untilView,
  type SpecChanges,
  type VmHandle,
  type VmHarness,
} from '../../../test-support/workflow/vm-harness.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';

const STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.state.name, SearchAttributeType.KEYWORD);

let harness: VmHarness;
beforeAll(async () => {
  harness = await startVmHarness();
});
afterAll(async () => {
  await harness.stop();
});

/** A VM in a park of its own. */
async function startVm(
  title: string,
  changes?: SpecChanges,
  prepare?: (park: FakeMachines) => void,
  input?: Partial<VmInput>,
): Promise<{ park: FakeMachines; vm: VmHandle }> {
  const { park, start } = await harness.park(title);
  prepare?.(park);
  return { park, vm: await start(changes, input) };
}

const report = (vm: { machineId: string }, sequence: number, connections: number): [object] => [
  { machineId: vm.machineId, sequence, connections, sentAt: Date.now() },
];

describe.concurrent('a VM', () => {
  it('lives from create to an idle end and says why at each step', async (test) => {
    const { park, vm } = await startVm(test.task.name, { idle: { timeoutSeconds: 1 } });
    const ready = await vm.executeUpdate<{ state: string }, []>('awaitReady');
    expect(ready).toMatchObject({ state: 'running', aliveBecause: 'firstConnectGrace' });
    const view = await vm.query(viewQuery);
    await vm.signal('report', ...report(view, 2, 1));
    expect(await untilView(vm, ({ connections }) => connections === 1)).toMatchObject({ aliveBecause: 'connections' });
    await vm.signal('report', ...report(view, 3, 0));
    const end = await vm.result();
    expect(end).toMatchObject({ state: 'destroyed', reason: 'idle', aliveBecause: null });
    expect(park.machines.size).toBe(0);
    const story = await vm.query(timelineQuery);
    expect(story.map(({ kind, state, reason }) => [kind, state, reason].filter(Boolean).join(' '))).toEqual([
      'state creating',
      'state booting',
      'state running',
      'connections running',
      'connections running',
      'confirmed running',
      'state destroying idle',
      'state destroyed idle',
    ]);
    const { memo, typedSearchAttributes } = await vm.describe();
    expect(memo?.['vm']).toMatchObject({ view: { state: 'destroyed', reason: 'idle' } });
    expect(typedSearchAttributes.get(STATE)).toBe('destroyed');
  });

  it('is not said to be held once its hold has passed, whoever is asked', async (test) => {
    const { vm } = await startVm(test.task.name);
    await untilView(vm, ({ state }) => state === 'running');
    const shown = async () => (await vm.describe()).memo?.['vm'] as { view: Record<string, unknown> };
    await vm.signal('hold', 600);
    await vm.signal('hold', 2);
    await untilView(vm, ({ aliveBecause }) => aliveBecause === 'hold');
    await expect.poll(async () => (await shown()).view).toMatchObject({ aliveBecause: 'hold' });
    const view = await untilView(vm, ({ aliveBecause }) => aliveBecause === 'firstConnectGrace');
    expect(view).not.toHaveProperty('holdUntil');
    await expect.poll(async () => (await shown()).view).toMatchObject({ aliveBecause: 'firstConnectGrace' });
    await vm.signal('hold', 1);
    await vm.signal('destroy');
    expect(await vm.result()).toMatchObject({ state: 'destroyed', endedAt: expect.any(String) as string });
  });

  it('has a large spec once in its history and its memo, however much happens, also over continue-as-new', async (test) => {
    const { start } = await harness.park(test.task.name);
    const env = { LARGE: 'x'.repeat(100_000) };
    const spec = testSpec({ env });
    const memo = startMemo({ project: 'default', name: 'large', spec, specHash: 'h', idempotencyKeyHash: null }, 0);
    const vm = await start({ env }, { historyLimitEvents: 60 }, memo);
    const view = await untilView(vm, ({ state }) => state === 'running');
    for (let sequence = 2; sequence < 22; sequence += 1) {
      await vm.signal('report', ...report(view, sequence, sequence % 2));
      await untilView(vm, ({ connections }) => connections === sequence % 2);
    }
    const first = harness.server.client.workflow.getHandle(vm.workflowId, vm.firstExecutionRunId);
    const { events } = await first.fetchHistory();
    const latest = await harness.server.client.workflow.getHandle(vm.workflowId).describe();
    expect(latest.runId).not.toBe(vm.firstExecutionRunId);
    expect(latest.memo?.['spec']).toEqual(spec);
    expect(latest.memo?.['vm']).not.toHaveProperty('view.spec');
    const published = (events ?? []).filter(({ workflowPropertiesModifiedEventAttributes: one }) => one);
    expect(published.length).toBeGreaterThan(5);
    expect(JSON.stringify(published).length).toBeLessThan(100_000);
    await harness.server.client.workflow.getHandle(vm.workflowId).signal('destroy');
  });

  it('that was started without a memo entry for its spec has it in its view, as it began', async (test) => {
    const { vm } = await startVm(test.task.name);
    await untilView(vm, ({ state }) => state === 'running');
    await expect.poll(async () => (await vm.describe()).memo?.['vm']).toHaveProperty('view.spec.image');
    await vm.signal('destroy');
  });

  it('spends at most 60 events on a simple life', async (test) => {
    const { vm } = await startVm(test.task.name, { idle: { timeoutSeconds: 1 } });
    const { machineId } = await untilView(vm, ({ state }) => state === 'running');
    await vm.signal('report', ...report({ machineId }, 2, 1));
    await untilView(vm, ({ connections }) => connections === 1);
    await vm.signal('report', ...report({ machineId }, 3, 0));
    await vm.result();
    const { historyLength } = await vm.describe();
    expect(historyLength).toBeLessThanOrEqual(60);
  });

  it('keeps a busy VM when the signal of a new connection was lost right before the idle deadline', async (test) => {
    const { park, vm } = await startVm(test.task.name, { idle: { timeoutSeconds: 1, silenceTimeoutSeconds: 60 } });
    const { machineId } = await vm.executeUpdate<{ machineId: string }, []>('awaitReady');
    await vm.signal('report', ...report({ machineId }, 2, 1));
    await vm.signal('report', ...report({ machineId }, 3, 0));
    park.machines.get(machineId)!.connections = 1;
    const view = await untilView(vm, ({ connections }) => connections === 1);
    expect(view).toMatchObject({ state: 'running', aliveBecause: 'connections' });
    expect(park.countOf('confirmUsage')).toBe(1);
    await vm.terminate();
  });

  it('counts a silent agent as unknown, not idle, and as lost only past its grace', async (test) => {
    const { park, vm } = await startVm(test.task.name, { idle: { timeoutSeconds: 60, silenceTimeoutSeconds: 2 } });
    const { machineId } = await vm.executeUpdate<{ machineId: string }, []>('awaitReady');
    const unknown = await untilView(vm, ({ health }) => health === 'unknown');
    expect(unknown).toMatchObject({ state: 'running', aliveBecause: 'unknown' });
    await vm.signal('report', ...report({ machineId }, 5, 2));
    expect(await untilView(vm, ({ health }) => health === 'ok')).toMatchObject({ connections: 2 });
    await expect(vm.result()).rejects.toMatchObject({ cause: { type: 'lost' } });
    expect(park.machines.size).toBe(0);
    // Once when it fell silent, and once more before its users are given up.
    expect(park.countOf('probeMachine')).toBeGreaterThanOrEqual(2);
  });

  it('keeps its users when the API of its silent agent is back late, long after the grace', async (test) => {
    const { park, vm } = await startVm(test.task.name, { idle: { timeoutSeconds: 60, silenceTimeoutSeconds: 1 } });
    const { machineId } = await vm.executeUpdate<{ machineId: string }, []>('awaitReady');
    // The second probe finds no API, over and over: it gives no answer.
    await eventually(() => expect(park.countOf('probeMachine')).toBe(1));
    park.broken.add('probeMachine');
    await eventually(() => expect(park.countOf('probeMachine')).toBeGreaterThanOrEqual(3), 20_000);
    expect(await vm.query(viewQuery)).toMatchObject({ state: 'running', health: 'unknown' });
    await vm.signal('report', ...report({ machineId }, 5, 2));
    expect(await untilView(vm, ({ health }) => health === 'ok')).toMatchObject({ connections: 2 });
    await vm.terminate();
  });

  it('hears that its machine is gone and ends as lost', async (test) => {
    const { park, vm } = await startVm(test.task.name, { idle: { silenceTimeoutSeconds: 1 } });
    const { machineId } = await vm.executeUpdate<{ machineId: string }, []>('awaitReady');
    park.machines.delete(machineId);
    await expect(vm.result()).rejects.toBeInstanceOf(WorkflowFailedError);
    expect(await vm.query(viewQuery)).toMatchObject({ state: 'failed', reason: 'lost' });
  });

  it('is preempted, not lost, when the provider took its machine back, and gets a new one where it asks for that', async (test) => {
    const idle = { silenceTimeoutSeconds: 1 };
    const { park, vm } = await startVm(test.task.name, { idle, spot: true, onLost: 'recreate' });
    const { machineId } = await vm.executeUpdate<{ machineId: string }, []>('awaitReady');
    park.preempt(machineId);
    const again = await untilView(vm, (view) => view.state === 'running' && view.machineId !== machineId);
    const story = await vm.query(timelineQuery);
    expect(story.map(({ state, reason }) => [state, reason])).toContainEqual(['destroying', 'preempted']);
    await vm.signal('machineLost', { machineId: again.machineId, cause: 'weather' });
    await untilView(vm, (view) => view.state === 'running' && view.machineId !== again.machineId);
    expect((await vm.query(timelineQuery)).findLast(({ reason }) => reason !== undefined)?.reason).toBe('lost');
    await vm.signal('destroy');
    expect(await vm.result()).toMatchObject({ reason: 'requested' });
  });

  it('waits for the next report where the agent cannot be asked', async (test) => {
    const { park, vm } = await startVm(test.task.name, { idle: { timeoutSeconds: 1 } }, (machines) => {
      machines.confirmBy = 'report';
    });
    const { machineId } = await vm.executeUpdate<{ machineId: string }, []>('awaitReady');
    await vm.signal('report', ...report({ machineId }, 2, 1));
    await vm.signal('report', ...report({ machineId }, 3, 0));
    const { confirmationId: answers } = await untilView(vm, (view) => view.confirmationId !== undefined);
    await vm.signal('report', ...report({ machineId }, 4, 0));
    expect(await vm.query(viewQuery)).toMatchObject({ state: 'running', aliveBecause: 'confirming' });
    const [answer] = report({ machineId }, 5, 0);
    await vm.signal('report', { ...answer, answers });
    expect(await vm.result()).toMatchObject({ reason: 'idle' });
    expect(park.machines.size).toBe(0);
  });

  it('leaves when nobody ever joined', async (test) => {
    const { vm } = await startVm(test.task.name, { idle: { firstConnectTimeoutSeconds: 1 } });
    expect(await vm.result()).toMatchObject({ reason: 'neverConnected' });
  });

  it('ends at its maximum lifetime whatever is said', async (test) => {
    const { vm } = await startVm(test.task.name, { maxLifetimeSeconds: 3 });
    const { machineId } = await vm.executeUpdate<{ machineId: string }, []>('awaitReady');
    await vm.signal('report', ...report({ machineId }, 2, 7));
    await vm.signal('hold', 3600);
    expect(await vm.result()).toMatchObject({ reason: 'maxLifetime' });
  });

  it('ends at its soft lifetime only once it is empty', async (test) => {
    const { vm } = await startVm(test.task.name, { softLifetimeSeconds: 4 });
    const { machineId } = await vm.executeUpdate<{ machineId: string }, []>('awaitReady');
    await vm.signal('report', ...report({ machineId }, 2, 1));
    await untilView(vm, ({ connections }) => connections === 1);
    const created = Date.parse((await vm.query(viewQuery)).createdAt);
    await untilView(vm, () => Date.now() > created + 5500);
    expect(await vm.query(viewQuery)).toMatchObject({ state: 'running' });
    await vm.signal('report', ...report({ machineId }, Date.now(), 0));
    expect(await vm.result()).toMatchObject({ reason: 'softLifetime' });
  });

  it('without an agent has no idle rule; a typed 0 is an idle signal', async (test) => {
    const { vm } = await startVm(
      test.task.name,
      {
        readiness: { kind: 'machine', port: null, path: null, timeoutSeconds: 20 },
        idle: { timeoutSeconds: 1, firstConnectTimeoutSeconds: 1, silenceTimeoutSeconds: 1 },
      },
      (park) => {
        park.firstReport = null;
      },
    );
    const view = await vm.executeUpdate<{ createdAt: string }, []>('awaitReady');
    await untilView(vm, () => Date.now() > Date.parse(view.createdAt) + 3000);
    expect(await vm.query(viewQuery)).toMatchObject({ state: 'running', aliveBecause: 'noAgent' });
    await vm.signal('connections', 0);
    expect(await vm.result()).toMatchObject({ reason: 'idle' });
  });

  it('that drains and cannot be told is told when its agent reports again, and is given to nobody before', async (test) => {
    const input = { unnamed: true } as const;
    const { park, vm } = await startVm(test.task.name, { idle: { action: 'none' } }, undefined, input);
    const view = await untilView(vm, ({ state }) => state === 'running');
    const { uid, machineId } = view;
    const take = () => vm.executeUpdate(takeBackUpdate, { args: [{ uid, claim: 'next', reset: true }] });
    park.broken.add('tellDraining');
    await vm.signal('drain');
    await eventually(() => expect(park.countOf('tellDraining')).toBe(3), 30_000);
    // Somebody may be coming in, of whom the agent cannot tell.
    await expect(take()).rejects.toThrow();
    park.broken.delete('tellDraining');
    let sequence = 2;
    await eventually(async () => {
      await vm.signal('report', ...report(view, sequence++, 0));
      expect(park.machines.get(machineId)?.draining).toBe(true);
    }, 30_000);
    await eventually(async () => expect(await take()).toMatchObject({ state: 'stopping' }), 30_000);
    await untilView(vm, ({ state }) => state === 'running');
    await vm.terminate();
  });

  it('drains: tells the agent, waits for the last user, then ends as drained', async (test) => {
    const { park, vm } = await startVm(test.task.name);
    const { machineId } = await vm.executeUpdate<{ machineId: string }, []>('awaitReady');
    await vm.signal('report', ...report({ machineId }, 2, 1));
    await vm.signal('drain');
    await untilView(vm, ({ state }) => state === 'draining' && park.machines.get(machineId)?.draining === true);
    await vm.signal('undrain');
    await untilView(vm, ({ state }) => state === 'running' && park.machines.get(machineId)?.draining === false);
    await vm.signal('drain');
    await vm.signal('report', ...report({ machineId }, Date.now(), 0));
    expect(await vm.result()).toMatchObject({ reason: 'drained' });
  });

  it('ignores a report of another machine and nonsense signals', async (test) => {
    const { vm } = await startVm(test.task.name);
    const { machineId } = await vm.executeUpdate<{ machineId: string }, []>('awaitReady');
    await vm.signal('report', ...report({ machineId: 'm-earlier' }, 9, 9));
    await vm.signal('report', 'nonsense');
    await vm.signal('report', { machineId, sequence: 2, connections: 0, sentAt: 0, kind: 'nonsense' });
    await vm.signal('connections', -4);
    await vm.signal('hold', 'long');
    await vm.signal('machineLost', null);
    await vm.signal('machineLost', { machineId: 'm-earlier' });
    const view = await vm.query(viewQuery);
    expect(view).toMatchObject({ machineId, state: 'running', connections: 0 });
    await vm.executeUpdate('destroy');
    expect(await vm.result()).toMatchObject({ reason: 'requested' });
  });

  it('shows a cancelled VM as Canceled after its machine is gone', async (test) => {
    const { park, vm } = await startVm(test.task.name);
    await vm.executeUpdate('awaitReady');
    await vm.cancel();
    const error: unknown = await vm.result().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
    expect(park.machines.size).toBe(0);
    expect((await vm.describe()).status.name).toBe('CANCELLED');
    expect(await vm.query(viewQuery)).toMatchObject({ state: 'destroyed', reason: 'cancelled' });
  });

  it('counts every signal around continue-as-new and keeps its uid, machine and story', async (test) => {
    const { vm } = await startVm(test.task.name, {}, undefined, { historyLimitEvents: 40 });
    const first = await vm.executeUpdate<{ machineId: string; uid: string }, []>('awaitReady');
    const latest = harness.server.client.workflow.getHandle(vm.workflowId);
    const sent = 120;
    for (let sequence = 2; sequence < sent + 2; sequence += 1) {
      await latest.signal('report', ...report(first, sequence, sequence % 2));
    }
    await untilView(latest as never, (view) => view.connections === (sent + 1) % 2);
    const { runId } = await latest.describe();
    expect(runId).not.toBe(vm.firstExecutionRunId);
    const view = await latest.query(viewQuery);
    expect(view).toMatchObject({ uid: vm.firstExecutionRunId, machineId: first.machineId });
    const story = await latest.query(timelineQuery);
    expect(story.at(-1)?.number).toBe(sent + 2);
    await latest.terminate();
  });

  it('grants the exchange of its bootstrap secret once, and again only to the same caller', async (test) => {
    const { vm } = await startVm(test.task.name);
    const { machineId } = await vm.executeUpdate<{ machineId: string }, []>('awaitReady');
    const exchange = (id: string, nonce: string): Promise<unknown> =>
      vm.executeUpdate('exchange', { args: [{ machineId: id, nonce }] });
    await expect(exchange('m-earlier', 'a')).rejects.toThrow();
    expect(await exchange(machineId, 'a')).toEqual({ granted: true });
    expect(await exchange(machineId, 'a')).toEqual({ granted: true });
    await expect(exchange(machineId, 'b')).rejects.toThrow();
    await vm.terminate();
  });
});
