/** Lives that come to patches whose side with it is a history of another table, or that need a scene of their own. */
import { randomUUID } from 'node:crypto';
import { vmWorkflowId, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import { signedStart } from '../../test-support/signed-start.ts';
import { FakeMachines } from '../../test-support/workflow/fake-machines.ts';
import { sceneOf } from '../../test-support/workflow/pool-scene.ts';
import { startRegistryScene, type RegistryScene } from '../../test-support/workflow/registry-scene.ts';
import { templateScene } from '../../test-support/workflow/template-scene.ts';
import {
  runHost,
  runWorker,
  testSpec,
  untilView,
  type VmHandle,
  type VmHarness,
} from '../../test-support/workflow/vm-harness.ts';
import {
  cordonHostSignal,
  createEndedSignal,
  deleteTemplateSignal,
  hostReadySignal,
  machineLostSignal,
  removeHostSignal,
} from '../../workflows/messages.ts';
import type { runVm } from '../../workflows/vm/vm.ts';
import { liveEnding } from './endings.ts';
import { POOL_LIVES } from './pool-lives.ts';

interface LivedRun {
  workflowId: string;
  runId: string;
}

type PatchLife = (harness: VmHarness, bundle: { code: string }) => Promise<LivedRun>;

export const OLDER_PATCH_LIVES: Readonly<Record<string, PatchLife>> = {
  'notice-hold-ends': on(async (harness) => {
    const { start } = await harness.park(randomUUID());
    const vm = await start();
    await untilView(vm, ({ state }) => state === 'running');
    await vm.signal('hold', 1);
    await untilView(vm, ({ aliveBecause }) => aliveBecause === 'hold');
    await vm.signal('destroy');
    await vm.result();
    return firstRun(vm);
  }),
  'publish-before-continuing': on((harness) => ending(harness, 'continued-as-new-when-ready')),
  'returns-unasked': on((harness) => pooled(harness, 'vm-gave-back-what-it-never-asked-for')),
  'replaces-before-it-goes': on((harness) => pooled(harness, 'warm-replaced-before-it-goes')),
  'spreads-pools': on((harness) => pooled(harness, 'pool-spread-over-hosts')),
  'asks-after-hearsay': on(async (harness) => {
    const { park, start } = await harness.park(randomUUID());
    const vm = await start();
    const { machineId } = await untilStopped(vm);
    await vm.signal('start');
    await untilView(vm, ({ state, startedFrom }) => state === 'running' && startedFrom === 'stopped');
    park.machines.delete(machineId);
    await vm.signal(machineLostSignal, { machineId });
    await vm.result().catch(() => undefined);
    return firstRun(vm);
  }),
  'ends-with-its-disk': on(async (harness) => {
    const { park, start } = await harness.park(randomUUID());
    const vm = await start({ onLost: 'recreate' });
    const { machineId } = await untilStopped(vm);
    park.machines.delete(machineId);
    await vm.signal('start');
    await untilView(vm, (view) => view.state === 'running' && view.machineId !== machineId);
    await vm.signal('destroy');
    await vm.result();
    return firstRun(vm);
  }),
  /** A create that no host took, of a VM that ends then. */
  'knows-what-creates-began': async ({ server }, bundle) => {
    const taskQueue = `untaken-${randomUUID().slice(0, 8)}`;
    const stopWorker = await runWorker(server, { taskQueue, workflowBundle: bundle });
    const name = `vm-${randomUUID().slice(0, 8)}`;
    const vm = await server.client.workflow.start<typeof runVm>(WORKFLOW_TYPE.vm, {
      ...{ workflowId: vmWorkflowId('default', name), taskQueue },
      args: [{ ...signedStart({ project: 'default', name, spec: testSpec() }), placement: 'host' }],
    });
    await untilView(vm, ({ state }) => state === 'creating');
    await vm.signal('destroy');
    await untilView(vm, ({ state }) => state !== 'creating');
    // Serves the destroy, where there is one.
    const stopHost = await runHost(server, taskQueue, new FakeMachines().activities());
    await vm.result();
    await Promise.all([stopWorker(), stopHost()]);
    return firstRun(vm);
  },
  'continues-pools-under-load': on(async (harness) => {
    const { queue } = await harness.park(randomUUID());
    const limit = 60;
    const warm = { min: 5, max: 10, ttlSeconds: 600 };
    const { handle, claim } = await sceneOf(harness.server, queue).configure({ warm }, { historyLimitEvents: limit });
    const { workflowId, runId } = await handle.describe();
    const first = harness.server.client.workflow.getHandle(workflowId, runId);
    for (;;) {
      await Promise.all([claim(randomUUID(), randomUUID()), claim(randomUUID())]);
      const { events } = await first.fetchHistory();
      const tasksPastLimit = (events ?? []).slice(limit).filter((event) => event.workflowTaskCompletedEventAttributes);
      if (tasksPastLimit.length > 5) return { workflowId, runId };
      if ((await first.describe()).status.name !== 'RUNNING')
        throw new Error('it was continued as new before it was late');
    }
  }),
  'versions-are-specs': on(async (harness) => {
    const { queue } = await harness.park(randomUUID());
    const { put, view, handle, workflowId } = templateScene(harness.server, queue);
    await put('a');
    await view();
    await put('a', { reuse: 'shared' });
    await view();
    // What became of the second version, where there is one.
    await handle.signal(createEndedSignal, { version: 2, outcome: { name: 'ready' } });
    await view();
    await handle.signal(deleteTemplateSignal);
    await handle.result();
    return { workflowId, runId: (await handle.describe()).runId };
  }),
  'bounds-host-facts': (harness, bundle) =>
    hostLife(harness, bundle, async ({ handle, view }) => {
      const capacity = { cpus: 1, memoryMb: 1, diskGb: 1 };
      const facts = { version: '1', providers: [], capacity, zone: null, labels: {}, address: null, fingerprint: null };
      await handle.signal(hostReadySignal, { incarnation: 'forged', facts: { ...facts, lostSeconds: 0.5 } });
      await view();
    }),
  'evicts-warm-machines': (harness, bundle) =>
    hostLife(harness, bundle, async ({ handle, isLeased }) => {
      await handle.signal(cordonHostSignal);
      await isLeased(2);
    }),
};

/** A life whose parks all have these workflows, and nobody who works for them once it was lived. */
function on(life: (harness: VmHarness) => Promise<LivedRun>): PatchLife {
  return async (harness, bundle) => {
    const stops: (() => Promise<void>)[] = [];
    const park: VmHarness['park'] = async (title) => {
      const scene = await harness.park(title, bundle);
      stops.push(scene.stopWorkers);
      return scene;
    };
    const run = await life({ ...harness, park });
    await Promise.all(stops.map((stop) => stop()));
    return run;
  };
}

async function ending(harness: VmHarness, name: string): Promise<LivedRun> {
  return firstRun(await liveEnding(harness, name));
}

function pooled(harness: VmHarness, name: string): Promise<LivedRun> {
  const life = POOL_LIVES[name];
  if (life === undefined) throw new Error(`no such life: ${name}`);
  return life(harness);
}

/** A host that is there, and is removed after that. */
async function hostLife(
  { server }: VmHarness,
  bundle: { code: string },
  live: (scene: RegistryScene) => Promise<void>,
): Promise<LivedRun> {
  const scene = await startRegistryScene(server, { bundle });
  await scene.announce();
  await scene.isLeased(1);
  await live(scene);
  await scene.handle.signal(removeHostSignal);
  await scene.handle.result();
  await scene.stop();
  const { workflowId, runId } = await scene.handle.describe();
  return { workflowId, runId };
}

async function untilStopped(vm: VmHandle): Promise<{ machineId: string }> {
  await untilView(vm, ({ state }) => state === 'running');
  await vm.signal('stop');
  return untilView(vm, ({ state }) => state === 'stopped');
}

function firstRun({ workflowId, firstExecutionRunId: runId }: VmHandle): LivedRun {
  return { workflowId, runId };
}
