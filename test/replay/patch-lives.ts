/**
 * Lives that come to a patch, each recorded with it and without it, as a run whose history began before: `NAME-with` and
 * `NAME-before`, NAME being the patch's id, but for a side that a history of another table is (patch-sides.ts).
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowUpdateStage } from '@temporalio/client';
import { createTemplateActivities } from '../../activities/control/template-activities.ts';
import { eventually } from '../../test-support/eventually.ts';
import { Life, MACHINE } from '../../test-support/vm/vm-life.ts';
import { imageScene } from '../../test-support/workflow/image-scene.ts';
import { FakeMachines } from '../../test-support/workflow/fake-machines.ts';
import { sceneOf } from '../../test-support/workflow/pool-scene.ts';
import { templateScene } from '../../test-support/workflow/template-scene.ts';
import {
  runHost,
  runWorker,
  untilView,
  workflowBundle,
  type VmHandle,
  type VmHarness,
} from '../../test-support/workflow/vm-harness.ts';
import { signedStart } from '../../test-support/signed-start.ts';
import { imageWorkflowId, parseVmWorkflowId, vmWorkflowId, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import {
  awaitReadyUpdate,
  closeUpdate,
  connectionsSignal,
  createEndedSignal,
  deleteImagesUpdate,
  deleteTemplateSignal,
  keptImagesQuery,
  rollOverSignal,
  startSignal,
  stopSignal,
  viewQuery,
} from '../../workflows/messages.ts';
import { temporalTemplates } from '../../worker/temporal/temporal-templates.ts';
import type { runVm } from '../../workflows/vm/vm.ts';
import { OLDER_PATCH_LIVES } from './older-patch-lives.ts';
import { recordedFor } from './patch-sides.ts';

export interface LivedRun {
  workflowId: string;
  runId: string;
}

/** `bundle`: the workflows with the patch or without it. */
type PatchLife = (harness: VmHarness, bundle: { code: string }) => Promise<LivedRun>;

/** Holds fill a history and change nothing else. */
const HOLD_SECONDS = 600;

/** A VM whose history is full while its stop is tried, and somebody waits for it. */
const stoppingInFullHistory: PatchLife = async (harness, bundle) => {
  const { park, start, stop } = await parkOf(harness, bundle);
  const vm = await start(40);
  await untilView(vm, ({ state }) => state === 'running');
  park.broken.add('stopMachine');
  await vm.signal(stopSignal);
  await vm.signal(startSignal);
  await untilView(vm, ({ state, startsAgain }) => state === 'stopping' && startsAgain === true);
  await vm.startUpdate(awaitReadyUpdate, { waitForStage: WorkflowUpdateStage.ACCEPTED });
  for (let times = 0; times < 20; times += 1) await vm.signal('hold', HOLD_SECONDS + times);
  await harness.server.client.workflow.getHandle(vm.workflowId).signal('destroy');
  park.broken.delete('stopMachine');
  await untilGone(harness, park, vm.workflowId);
  await stop();
  return { workflowId: vm.workflowId, runId: vm.firstExecutionRunId };
};

export const PATCH_LIVES: Readonly<Record<string, PatchLife>> = {
  ...OLDER_PATCH_LIVES,
  'answers-before-continuing': stoppingInFullHistory,
  'continues-while-stopping': stoppingInFullHistory,
  'tells-draining-again': async (harness, bundle) => {
    const { park, start, stop } = await parkOf(harness, bundle);
    const vm = await start();
    const { machineId } = await untilView(vm, ({ state }) => state === 'running');
    const report = (sequence: number, connections: number): Promise<void> =>
      vm.signal('report', { machineId, sequence, connections, sentAt: Date.now() });
    await report(2, 1);
    park.faults.push({ name: 'tellDraining', kind: 'failForGood' });
    await vm.signal('drain');
    await untilView(vm, ({ state }) => state === 'draining' && park.countOf('tellDraining') === 1);
    await report(3, 2);
    await untilView(vm, ({ connections }) => connections === 2);
    await report(4, 0);
    await vm.result();
    await stop();
    return { workflowId: vm.workflowId, runId: vm.firstExecutionRunId };
  },
  'tells-when-resumed': async (harness, bundle) => {
    const { start, stop } = await parkOf(harness, bundle);
    const vm = await start();
    await untilView(vm, ({ state }) => state === 'running');
    await vm.signal('suspend');
    await untilView(vm, ({ state }) => state === 'suspended');
    await vm.signal('resume');
    await untilView(vm, ({ state }) => state === 'running');
    await vm.signal('destroy');
    await vm.result();
    await stop();
    return { workflowId: vm.workflowId, runId: vm.firstExecutionRunId };
  },
  'discards-images': async (harness, bundle) => {
    const { park, queue, start, stop } = await parkOf(harness, bundle);
    const stopKeeping = await imageScene(harness.server, queue, park).startKeeping();
    const vm = await start();
    await untilView(vm, ({ state }) => state === 'running');
    park.faults.push({ name: 'makeImage', kind: 'failForGood' });
    await vm.signal('close');
    await untilView(vm, ({ state }) => state === 'stopped');
    await vm.signal('destroy');
    await vm.result();
    await Promise.all([stop(), stopKeeping()]);
    return { workflowId: vm.workflowId, runId: vm.firstExecutionRunId };
  },
  'makes-room': async (harness, bundle) => {
    const { startAs, stop } = await parkOf(harness, bundle);
    const vm = await startAs({ template: { name: 'chat', version: 1 } });
    const { machineId } = await untilView(vm, ({ state }) => state === 'running');
    for (const [sequence, connections] of [
      [2, 1],
      [3, 0],
    ] as const) {
      await vm.signal('report', { machineId, sequence, connections, sentAt: Date.now() });
    }
    await untilView(vm, ({ aliveBecause }) => aliveBecause === 'idleGrace');
    await vm.signal(rollOverSignal, { below: 2, revision: 1 });
    // Each question is a task of its own, after what came before.
    await vm.query(viewQuery);
    await vm.signal('destroy');
    await vm.result();
    await stop();
    return { workflowId: vm.workflowId, runId: vm.firstExecutionRunId };
  },
  'leases-counts': async (harness, bundle) => {
    const { park, startAs, stop } = await parkOf(harness, bundle);
    park.firstReport = null;
    const vm = await startAs({
      readiness: { kind: 'machine', port: null, path: null, timeoutSeconds: 60 },
      idle: { timeoutSeconds: 1 },
    });
    await untilView(vm, ({ state }) => state === 'running');
    await vm.signal(connectionsSignal, 1, { lease: { by: 'gateway', seconds: 1 } });
    await untilView(vm, ({ connections }) => connections === 1);
    // Without the patch the count holds, and nothing but this ends the VM.
    await Promise.race([vm.result(), sleep(5000)]);
    await vm.signal('destroy').catch(() => undefined);
    await vm.result();
    await stop();
    return { workflowId: vm.workflowId, runId: vm.firstExecutionRunId };
  },
  'rolls-idle-vms': async (harness, bundle) => {
    const { queue, stop } = await parkOf(harness, bundle);
    const activities = createTemplateActivities(temporalTemplates(harness.server.client, queue));
    const stopTelling = await runWorker(harness.server, { taskQueue: queue, activities });
    const { put, view, handle, workflowId } = templateScene(harness.server, queue);
    await put('a');
    await put('b', { rollIdle: true });
    await handle.signal(createEndedSignal, { version: 2, outcome: { name: 'ready' } });
    await view();
    await handle.signal(deleteTemplateSignal);
    await handle.result();
    const { runId } = await handle.describe();
    await Promise.all([stop(), stopTelling()]);
    return { workflowId, runId };
  },
  'tells-first-warm': async (harness, bundle) => {
    const { queue, stop } = await parkOf(harness, bundle);
    const { configure } = sceneOf(harness.server, queue);
    const pool = await configure({ rollIdle: true });
    const { runId } = await pool.handle.describe();
    await pool.until({ ready: 1 });
    await configure({ version: 2, warm: null });
    await pool.handle.result();
    await stop();
    return { workflowId: pool.handle.workflowId, runId };
  },
  'bounds-order-numbers': async (harness, bundle) => {
    const { queue, stop } = await parkOf(harness, bundle);
    const { configure } = sceneOf(harness.server, queue);
    const warm = { min: 0, max: 1, ttlSeconds: 600 };
    const pool = await configure({ revision: Number.MAX_SAFE_INTEGER, warm });
    const { runId } = await pool.handle.describe();
    await pool.until({ version: 1 });
    await configure({ version: 2, revision: Date.now(), warm });
    // Each question is a task of its own, after what came before.
    await pool.view();
    await configure({ version: 3, revision: Number.MAX_SAFE_INTEGER, warm: null });
    await pool.handle.result();
    await stop();
    return { workflowId: pool.handle.workflowId, runId };
  },
  'announces-images': closed((vm) => Promise.resolve({ workflowId: vm.workflowId, runId: vm.firstExecutionRunId })),
  'looks-before-deleting': closed(async (vm, { server }, queue) => {
    const { name = '' } = parseVmWorkflowId(vm.workflowId) ?? {};
    const family = server.client.workflow.getHandle(imageWorkflowId('default', name, queue));
    const { workflowId, runId } = await family.describe();
    const imageIds = (await family.query(keptImagesQuery)).map(({ imageId }) => imageId);
    await family.executeUpdate(deleteImagesUpdate, { args: [{ imageIds }] });
    await family.result();
    return { workflowId, runId };
  }),
  /** A run that goes on with a VM that stops, and was sent a start and a stop before it had its first task. */
  'hears-signals-in-order': async ({ server }, bundle) => {
    const queue = `early-${randomUUID()}`;
    const park = new FakeMachines();
    const host = 'park';
    const life = new Life({ maxLifetimeSeconds: null }).at(1, 'machineCreated', { machine: { ...MACHINE, host } });
    const resume = life.at(10, 'machineReady', { usage: { sequence: 1, connections: 0 } }).at(20, 'stopRequested').vm;
    park.machines.set(resume.machineId, { connections: 0, reachable: true, draining: false });
    const name = `vm-${randomUUID().slice(0, 8)}`;
    const vm = await server.client.workflow.start<typeof runVm>(WORKFLOW_TYPE.vm, {
      workflowId: vmWorkflowId('default', name),
      taskQueue: queue,
      args: [signedStart({ project: 'default', name, spec: resume.spec, resume })],
    });
    await vm.signal(startSignal);
    await vm.signal(stopSignal);
    const stopWorker = await runWorker(server, { taskQueue: queue, workflowBundle: bundle });
    const stopHost = await runHost(server, queue, park.activities(), host);
    await untilView(vm, ({ state }) => state === 'stopped' || state === 'running');
    await vm.signal('destroy');
    await vm.result();
    await Promise.all([stopWorker(), stopHost()]);
    return { workflowId: vm.workflowId, runId: vm.firstExecutionRunId };
  },
};

/** A VM that is closed, and what is done with its family then. */
function closed(then: (vm: VmHandle, harness: VmHarness, queue: string) => Promise<LivedRun>): PatchLife {
  return async (harness, bundle) => {
    const { park, queue, start, stop } = await parkOf(harness, bundle);
    const stopKeeping = await imageScene(harness.server, queue, park).startKeeping();
    const vm = await start();
    await untilView(vm, ({ state }) => state === 'running');
    await vm.executeUpdate(closeUpdate, { args: [undefined] });
    await vm.result();
    const run = await then(vm, harness, queue);
    await Promise.all([stop(), stopKeeping()]);
    return run;
  };
}

/** The map of the sources tells of code that is not this any more. */
const NO_SOURCES = Buffer.from('{"version":3,"file":"workflows.js","sources":[],"names":[],"mappings":""}').toString(
  'base64',
);

/** The code of all workflows in which that patch is always there, or never. */
export async function bundleWhere(patch: string, isThere: boolean): Promise<{ code: string }> {
  const { code } = await workflowBundle();
  const call = new RegExp(String.raw`\(0, ?[\w$.]+\.patched\)\(['"]${patch}['"]\)`);
  if (!call.test(code)) throw new Error(`the workflows have no patch ${patch}`);
  return { code: code.replace(call, String(isThere)).replace(/(sourceMappingURL=.*base64,).*/, `$1${NO_SOURCES}`) };
}

/** One history: `NAME-with` of the code of today, `NAME-before` of the same code without the patch. */
export async function livePatch(harness: VmHarness, file: string): Promise<LivedRun> {
  const [, patch = '', side] = /^(.+)-(with|before)$/.exec(file) ?? [];
  const life = PATCH_LIVES[patch];
  if (life === undefined) throw new Error(`no such life: ${file}`);
  return life(harness, side === 'with' ? await workflowBundle() : await bundleWhere(patch, false));
}

export const PATCH_HISTORIES: readonly string[] = Object.keys(PATCH_LIVES).flatMap(recordedFor);

type Park = Awaited<ReturnType<VmHarness['park']>>;

interface Scene {
  startAs: Park['start'];
  park: FakeMachines;
  queue: string;
  start: (historyLimitEvents?: number) => ReturnType<Park['start']>;
  stop: () => Promise<void>;
}

async function parkOf(harness: VmHarness, bundle: { code: string }): Promise<Scene> {
  const { park, queue, start, stopWorkers } = await harness.park(randomUUID(), bundle);
  return {
    ...{ park, queue, stop: stopWorkers, startAs: start },
    start: (historyLimitEvents) => start({}, historyLimitEvents === undefined ? {} : { historyLimitEvents }),
  };
}

async function untilGone({ server }: VmHarness, park: FakeMachines, workflowId: string): Promise<void> {
  await eventually(async () => {
    const { status } = await server.client.workflow.getHandle(workflowId).describe();
    if (status.name === 'RUNNING' || park.machines.size > 0) throw new Error(`${workflowId} has not ended`);
  }, 40_000);
}
