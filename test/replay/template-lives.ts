/** Lives of templates, and of VMs that report to one, driven on a real server for their histories. */
import { randomUUID } from 'node:crypto';
import { createTemplateActivities } from '../../activities/control/template-activities.ts';
import { eventually } from '../../test-support/eventually.ts';
import { templateScene } from '../../test-support/workflow/template-scene.ts';
import { vmWorkflowId, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import { runWorker, untilView, type VmHarness } from '../../test-support/workflow/vm-harness.ts';
import {
  createEndedSignal,
  deleteTemplateSignal,
  firstWarmSignal,
  rollOverSignal,
  stopUpdate,
  takeBackUpdate,
} from '../../workflows/messages.ts';
import { temporalTemplates } from '../../worker/temporal/temporal-templates.ts';

interface LivedRun {
  workflowId: string;
  runId: string;
}

export const TEMPLATE_LIVES: Readonly<Record<string, (harness: VmHarness) => Promise<LivedRun>>> = {
  'template-put-held-back-and-deleted': async (harness) => {
    const { queue } = await harness.park(randomUUID());
    const { put, view, handle, workflowId } = templateScene(harness.server, queue);
    await put('a');
    await view();
    await handle.signal(createEndedSignal, { version: 1, outcome: { name: 'ready' } });
    await put('b');
    const outcome = { name: 'failed', detail: 'notReady: not ready within 1 s' } as const;
    for (let create = 0; create < 3; create += 1) await handle.signal(createEndedSignal, { version: 2, outcome });
    await view();
    await handle.signal(deleteTemplateSignal);
    await handle.result();
    return { workflowId, runId: (await handle.describe()).runId };
  },
  'template-rolled-over-and-back': async (harness) => {
    const { queue } = await harness.park(randomUUID());
    const { vms, configure } = temporalTemplates(harness.server.client, queue);
    const activities = createTemplateActivities({ configure, vms, lookMs: 1 });
    const stop = await runWorker(harness.server, { taskQueue: queue, activities });
    const { put, view, handle, workflowId } = templateScene(harness.server, queue);
    const untilDone = (times: number): Promise<void> =>
      eventually(async () => {
        const { events = [] } = await handle.fetchHistory();
        const done = (events ?? []).filter(
          ({ activityTaskCompletedEventAttributes }) => activityTaskCompletedEventAttributes,
        );
        if (done.length < times) throw new Error('its VMs are not told yet');
      });
    await put('a');
    await handle.signal(createEndedSignal, { version: 1, outcome: { name: 'ready' } });
    await put('b', { rollIdle: true });
    await handle.signal(firstWarmSignal, { version: 2 });
    await untilDone(1);
    const outcome = { name: 'failed', detail: 'notReady: not ready within 1 s' } as const;
    for (let create = 0; create < 3; create += 1) await handle.signal(createEndedSignal, { version: 2, outcome });
    await untilDone(2);
    await view();
    await handle.signal(deleteTemplateSignal);
    await handle.result();
    await stop();
    return { workflowId, runId: (await handle.describe()).runId };
  },
  'made-room-for-a-newer-version': async (harness) => {
    const { start } = await harness.park(randomUUID());
    const vm = await start({ template: { name: 'chat', version: 1 }, idle: { action: 'stop', retentionSeconds: 1 } });
    const { machineId } = await untilView(vm, ({ state }) => state === 'running');
    const report = (sequence: number, connections: number): Promise<void> =>
      vm.signal('report', { machineId, sequence, connections, sentAt: Date.now() });
    await report(2, 1);
    await vm.signal(rollOverSignal, { below: 2, revision: 1 });
    await untilView(vm, ({ newerVersion, connections }) => newerVersion === 2 && connections === 1);
    await report(3, 0);
    await untilView(vm, ({ state }) => state === 'stopped');
    await vm.result();
    return { workflowId: vm.workflowId, runId: vm.firstExecutionRunId };
  },
  'taken-back-and-drained': async (harness) => {
    const { start } = await harness.park(randomUUID());
    const vm = await start({}, { unnamed: true });
    const { machineId, uid } = await untilView(vm, ({ state }) => state === 'running');
    await vm.signal('report', { machineId, sequence: 2, connections: 1, sentAt: Date.now() });
    await vm.signal('drain');
    await vm.executeUpdate(takeBackUpdate, { args: [{ uid, claim: 'another create' }] });
    await vm.signal('drain');
    await vm.signal('report', { machineId, sequence: 3, connections: 0, sentAt: Date.now() });
    await vm.result();
    return { workflowId: vm.workflowId, runId: vm.firstExecutionRunId };
  },
  'stopped-and-reset-for-another': async (harness) => {
    const { start } = await harness.park(randomUUID());
    const vm = await start({}, { unnamed: true });
    const { uid } = await untilView(vm, ({ state }) => state === 'running');
    await vm.executeUpdate(stopUpdate, { args: [{ uid }] });
    await untilView(vm, ({ state }) => state === 'stopped');
    await vm.executeUpdate(takeBackUpdate, { args: [{ uid, claim: 'another create', reset: true }] });
    await untilView(vm, ({ state }) => state === 'running');
    await vm.signal('destroy');
    await vm.result();
    return { workflowId: vm.workflowId, runId: vm.firstExecutionRunId };
  },
  'key-got-a-vm-that-was-there': async (harness) => {
    const { queue } = await harness.park(randomUUID());
    const workflowId = vmWorkflowId('default', randomUUID());
    const { client } = harness.server;
    const handle = await client.workflow.start(WORKFLOW_TYPE.given, { workflowId, taskQueue: queue });
    await handle.result();
    return { workflowId, runId: handle.firstExecutionRunId };
  },
  'reports-to-its-template': async (harness) => {
    const { queue, start } = await harness.park(randomUUID());
    const template = templateScene(harness.server, queue);
    await template.put('a');
    const vm = await start({}, { reportsTo: { workflowId: template.workflowId, version: 1 } });
    await eventually(async () => {
      if ((await template.view()).versions[0]?.state !== 'good') throw new Error('the template was not told');
    });
    await vm.signal('destroy');
    await vm.result();
    return { workflowId: vm.workflowId, runId: vm.firstExecutionRunId };
  },
};
