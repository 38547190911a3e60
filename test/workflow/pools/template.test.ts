import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreateMachineInput } from '../../../domain/machine/activities.ts';
import type { MachineFacts } from '../../../domain/machine/provider.ts';
import { machineTaskQueue, MEMO, vmWorkflowId } from '../../../domain/wire-names.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { signedStart } from '../../../test-support/signed-start.ts';
import { templateScene } from '../../../test-support/workflow/template-scene.ts';
import {
  runWorker,
  startVmHarness,
  testSpec,
  untilView,
  workflowBundle,
  type VmHarness,
} from '../../../test-support/workflow/vm-harness.ts';
import { createEndedSignal, deleteTemplateSignal } from '../../../workflows/messages.ts';
import type { runVm } from '../../../workflows/vm/vm.ts';

let harness: VmHarness;
let made: Awaited<ReturnType<VmHarness['park']>>;
beforeAll(async () => {
  harness = await startVmHarness();
  made = await harness.park('templates');
});
afterAll(async () => {
  await harness.stop();
});

const scene = (input = {}) => templateScene(harness.server, made.queue, input);

describe('the workflow of a template', () => {
  it('shows each version in its view and in its memo, and costs no event while nobody changes it', async () => {
    const { put, view, handle } = scene({ firstVersion: 2 });
    await put('a');
    await put('b');
    await put('b');
    expect((await view()).versions.map(({ version, state }) => [version, state])).toEqual([
      [2, 'unproven'],
      [3, 'unproven'],
    ]);
    const described = await handle.describe();
    expect(described.memo?.[MEMO.template]).toEqual(await view());
    expect(described.historyLength).toBeLessThan(20);
  });

  it('ignores what is no put, and no report of a create', async () => {
    const { put, view, handle } = scene();
    await put('a');
    const before = await view();
    await handle.signal('put', { spec: {} });
    await handle.signal('createEnded', 'well');
    expect(await view()).toEqual(before);
  });

  it('closes when it is deleted, and starts anew with the next put', async () => {
    const { put, view, handle } = scene();
    await put('a');
    await handle.signal(deleteTemplateSignal);
    expect(await handle.result()).toMatchObject({ deleted: true, versions: [] });
    expect((await handle.describe()).memo?.[MEMO.template]).toMatchObject({ deleted: true });
    await put('b');
    expect((await view()).versions).toHaveLength(1);
  });

  it('loses nothing when its history is continued as new at every step', async () => {
    const { put, view, handle } = scene({ historyLimitEvents: 5 });
    const runs = new Set<string>();
    for (const image of ['a', 'b', 'c', 'd']) {
      await put(image);
      await view();
      runs.add((await handle.describe()).runId);
    }
    await handle.signal(createEndedSignal, { version: 1, outcome: { name: 'ready' } });
    await eventually(async () => expect((await view()).versions[0]?.state).toBe('good'));
    expect((await view()).versions.map(({ version }) => version)).toEqual([1, 2, 3, 4]);
    expect((await handle.describe()).memo?.[MEMO.template]).toEqual(await view());
    expect(runs.size).toBeGreaterThan(1);
  });
});

describe('a VM of a version on trial', () => {
  it('tells its template that it was ready, once, and one of a proven version tells nothing', async () => {
    const template = scene();
    await template.put('a');
    const reportsTo = { workflowId: template.workflowId, version: 1 };
    const vm = await made.start({}, { reportsTo });
    await eventually(async () => expect((await template.view()).versions[0]?.state).toBe('good'));
    await vm.signal('destroy');
    await vm.result();
    const told = await made.start();
    await untilView(told, ({ state }) => state === 'running');
    await told.signal('destroy');
    await told.result();
    const types = async (handle: typeof vm): Promise<string[]> =>
      ((await handle.fetchHistory()).events ?? []).map(({ eventType }) => String(eventType));
    const extra = (await types(vm)).length - (await types(told)).length;
    expect(extra).toBeLessThanOrEqual(6);
    expect(extra).toBeGreaterThan(0);
  });

  it('tells it why it failed; what an operator ended says nothing, and a template that is gone keeps no VM', async () => {
    const template = scene();
    await template.put('a');
    const reportsTo = { workflowId: template.workflowId, version: 1 };
    for (const name of ['createMachine', 'awaitMachineReady', 'createMachine'] as const) {
      made.park.faults.push({ name, kind: 'failForGood' });
      const vm = await made.start({}, { reportsTo });
      await expect(vm.result()).rejects.toThrow();
    }
    await eventually(async () =>
      expect((await template.view()).versions[0]).toMatchObject({
        ...{ state: 'heldBack', failures: 3, lastFailure: 'createFailed: injected failure for good' },
      }),
    );
    made.park.faults.push({ name: 'awaitMachineReady', kind: 'hang' });
    const ended = await made.start({}, { reportsTo: { workflowId: 'template/default/never-there', version: 1 } });
    await ended.signal('destroy');
    expect(await ended.result()).toMatchObject({ reason: 'requested' });
    const orphan = await made.start({}, { reportsTo: { workflowId: 'template/default/never-there', version: 1 } });
    await orphan.signal('drain');
    expect(await orphan.result()).toMatchObject({ state: 'destroyed' });
  });

  it('tells it nothing of a machine that was not ready in time while its host was away', async () => {
    const queue = `away-${randomUUID().slice(0, 8)}`;
    const creates = machineTaskQueue('local', queue);
    const createMachine = ({ machineId }: CreateMachineInput): Promise<MachineFacts> =>
      Promise.resolve({ machineId, provider: 'local', host: null, zone: null, address: null, queue: creates });
    const stops = [
      await runWorker(harness.server, { taskQueue: queue, workflowBundle: await workflowBundle() }),
      await runWorker(harness.server, { taskQueue: creates, activities: { createMachine } }),
    ];
    const template = scene();
    await template.put('a');
    const [name, reportsTo] = [`vm-${randomUUID().slice(0, 8)}`, { workflowId: template.workflowId, version: 1 }];
    const spec = testSpec({ readiness: { kind: 'agent', port: null, path: null, timeoutSeconds: 1 } });
    const vm = await harness.server.client.workflow.start<typeof runVm>('vm', {
      ...{ workflowId: vmWorkflowId('default', name), taskQueue: queue },
      args: [signedStart({ project: 'default', name, spec, placement: 'zone', reportsTo })],
    });
    expect(await untilView(vm, ({ state }) => state === 'destroying')).toMatchObject({ reason: 'notReady' });
    await eventually(async () => {
      const { events } = await vm.fetchHistory();
      const scheduled = events?.map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
      expect(scheduled).toContain('destroyMachine');
      expect(events?.some((event) => event.signalExternalWorkflowExecutionInitiatedEventAttributes)).toBe(false);
    });
    await vm.terminate();
    await Promise.all(stops.map((stop) => stop()));
  });
});
