/** A VM that moves to a fresh history while nobody works on it: everybody who looks at it then must see the truth. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProjectionFeed } from '../../../api/projection/projection-feed.ts';
import { Projection } from '../../../api/projection/projection.ts';
import { startMemo } from '../../../api/vms/seen/vm-memo.ts';
import { VmDirectory } from '../../../api/vms/seen/vm-directory.ts';
import type { VmRecord } from '../../../api/vms/seen/vm-record.ts';
import type { VmMemo } from '../../../domain/vm/view.ts';
import { MEMO, vmWorkflowId } from '../../../domain/wire-names.ts';
import { adoptionPlan } from '../../../worker/links/agent-links.ts';
import { temporalVmLedger } from '../../../worker/temporal/temporal-vm-ledger.ts';
import { temporalVmSignals } from '../../../worker/links/vm-signals.ts';
import type { runVm } from '../../../workflows/vm/vm.ts';
import { eventually } from '../../../test-support/workflow/api-harness.ts';
import { endSignal, moveOnSignal } from '../../../test-support/workflow/forgetful-workflow.ts';
import { runGatedWorker } from '../../../test-support/workflow/gated-worker.ts';
import { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';
import { runHost, startVmHarness, testSpec, type VmHarness } from '../../../test-support/workflow/vm-harness.ts';

let harness: VmHarness;
beforeAll(async () => {
  harness = await startVmHarness();
});
afterAll(async () => {
  await harness.stop();
});

const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A replica that is asked nothing and only polls. */
async function follow(controlTaskQueue: string): Promise<(workflowId: string) => VmRecord | undefined> {
  const { client } = harness.server;
  const projection = new Projection({ uiUrl: null, namespace: 'ephemera' });
  const directory = new VmDirectory(client);
  const pace = { pollMs: 100, relistMs: 3_600_000 };
  const log = pino({ level: 'silent' });
  const feed = new ProjectionFeed({ client, projection, directory, log, controlTaskQueue, ...pace });
  feed.start();
  closers.push(() => feed.close());
  await eventually('the first list', () => Promise.resolve(feed.loaded ? true : undefined));
  return (workflowId) => projection.get(workflowId);
}

const RUNNING = { state: 'running', aliveBecause: 'firstConnectGrace' };

/** A ready VM whose new run waits for a worker, and the gate behind which it waits. */
async function between() {
  const { client } = harness.server;
  const queue = `between-${randomUUID().slice(0, 8)}`;
  const park = new FakeMachines();
  closers.push(await runHost(harness.server, queue, park.activities()));
  const gate = await runGatedWorker(harness.server, queue);
  closers.push(gate.stop);
  const name = `vm-${randomUUID().slice(0, 8)}`;
  const spec = testSpec();
  const seen = await follow(queue);
  const vm = await client.workflow.start<typeof runVm>('vm', {
    workflowId: vmWorkflowId('default', name),
    taskQueue: queue,
    args: [{ project: 'default', name, spec, historyLimitEvents: 5 }],
    memo: startMemo({ project: 'default', name, spec, specHash: 'hash', idempotencyKeyHash: null }, Date.now()),
  });
  gate.grant(3);
  const startedAt = Date.now();
  await eventually('the new run', async () => {
    if ((await client.workflow.getHandle(vm.workflowId).describe()).runId !== vm.firstExecutionRunId) return true;
    // On a busy computer a poll may have ended without a task.
    if (Date.now() - startedAt > 5000) gate.grant(1);
    return undefined;
  });
  const [machineId = ''] = [...park.machines.keys()];
  return { vm, queue, gate, machineId, seen };
}

const machineOf = (owner: string, machineId: string) => ({ machineId, labels: { owner }, createdAt: 0 });

describe('a VM that was continued as new and waits for a worker', () => {
  it('is shown by Temporal, the sweeper, the links and a replica that only polls as it was before', async () => {
    const { client } = harness.server;
    const { vm, queue, gate, machineId, seen } = await between();
    const { memo } = await client.workflow.getHandle(vm.workflowId).describe();
    const uid = vm.firstExecutionRunId;
    expect((memo?.[MEMO.vm] as VmMemo).view).toMatchObject({ ...RUNNING, uid, machineId });
    expect(memo?.[MEMO.specHash]).toBe('hash');

    const signals = temporalVmSignals(client);
    const ledger = temporalVmLedger({ client, signals, provider: 'local', host: null, controlTaskQueue: queue });
    expect(await ledger.ownership(machineOf(vm.workflowId, machineId))).toBe('running');
    expect(await ledger.ownership(machineOf(vm.workflowId, 'm-of-before'))).toBe('movedOn');
    expect(await ledger.ownership(machineOf('vm/default/none', machineId))).toBe('unknown');
    expect(await ledger.current(vm.workflowId)).toMatchObject({ machineId, state: 'running' });
    expect(adoptionPlan(await signals.readMemo(vm.workflowId), machineId)).toMatchObject({ action: 'forward' });

    await eventually('it in the list', () =>
      Promise.resolve(seen(vm.workflowId)?.view.state === 'running' ? true : undefined),
    );
    expect(seen(vm.workflowId)?.view).toMatchObject({ ...RUNNING, uid, machineId });
    gate.grant(1000);
    await vm.signal('destroy');
    await eventually('its end in the list', () =>
      Promise.resolve(seen(vm.workflowId)?.view.state === 'destroyed' ? true : undefined),
    );
    expect(seen(vm.workflowId)?.view.uid).toBe(uid);
  });
});

describe('a VM that code of before continued as new, which forgot its memo', () => {
  const view = (name: string, machineId: string) => {
    const memo = startMemo({ project: 'default', name, spec: testSpec(), specHash: '', idempotencyKeyHash: null }, 0);
    return { memo, running: { view: { ...(memo[MEMO.vm] as VmMemo).view, machineId }, timeline: [] } };
  };

  /** The phantom: a new run that no worker has seen, with the memo of the very start. */
  async function phantom(replicaFirst: boolean) {
    const { client } = harness.server;
    const queue = `forgetful-${randomUUID().slice(0, 8)}`;
    const seen = replicaFirst ? await follow(queue) : undefined;
    const workflowsPath = fileURLToPath(
      new URL('../../../test-support/workflow/forgetful-workflow.ts', import.meta.url),
    );
    const name = `vm-${randomUUID().slice(0, 8)}`;
    const machineId = `m-${randomUUID().replaceAll('-', '').slice(0, 20)}`;
    const { memo, running } = view(name, machineId);
    const gate = await runGatedWorker(harness.server, queue, { workflowsPath });
    closers.push(gate.stop);
    const vm = await client.workflow.start('vm', {
      workflowId: vmWorkflowId('default', name),
      taskQueue: queue,
      args: [{ memo: running }],
      memo,
    });
    gate.grant(1);
    const latest = () => client.workflow.getHandle(vm.workflowId).describe();
    const published = async () => ((await latest()).memo?.[MEMO.vm] as VmMemo | undefined)?.view;
    await eventually('its machine', async () => ((await published())?.machineId === machineId ? true : undefined));
    if (seen) await eventually('it in the list', () => shown(seen(vm.workflowId), 'running'));
    await vm.signal(moveOnSignal);
    gate.grant(1);
    await eventually('the new run', async () => ((await latest()).runId === vm.firstExecutionRunId ? undefined : true));
    expect((await published())?.machineId, 'the memo is lost').toBe('');
    return { vm, queue, gate, machineId, seen: seen ?? (await follow(queue)) };
  }

  const shown = (record: VmRecord | undefined, state: string): Promise<true | undefined> =>
    Promise.resolve(record?.view.state === state ? true : undefined);

  it.each([true, false])('never becomes a ghost in the list (known before: %s)', async (replicaFirst) => {
    const { vm, gate, machineId, seen } = await phantom(replicaFirst);
    const uid = vm.firstExecutionRunId;
    await eventually('the new run in visibility', async () => {
      const { count } = await harness.server.client.workflow.count(`WorkflowId = '${vm.workflowId}'`);
      return count === 2 ? true : undefined;
    });
    if (replicaFirst) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(seen(vm.workflowId)?.view).toMatchObject({ state: 'running', uid, machineId });
    }
    gate.grant(10);
    await eventually('it as it is', () => shown(seen(vm.workflowId), 'running'));
    expect(seen(vm.workflowId)?.view).toMatchObject({ uid, machineId });
    await vm.signal(endSignal);
    await eventually('its end', () => shown(seen(vm.workflowId), 'destroyed'));
  });

  it('keeps its machine in a sweep, wherever visibility stands', async () => {
    const { client } = harness.server;
    const { vm, queue, gate, machineId } = await phantom(true);
    const signals = temporalVmSignals(client);
    const ledger = temporalVmLedger({ client, signals, provider: 'local', host: null, controlTaskQueue: queue });
    expect(await ledger.ownership(machineOf(vm.workflowId, machineId))).not.toBe('closed');
    expect(await ledger.current(vm.workflowId)).toMatchObject({ machineId: '' });
    gate.grant(10);
    await vm.signal(endSignal);
    await vm.result();
    expect(await ledger.ownership(machineOf(vm.workflowId, machineId))).toBe('closed');
  });
});
