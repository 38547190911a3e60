/** Lives of VMs on hosts, of hosts themselves and of joins, driven on a real server for their histories. */
import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/activity';
import { ACTIVITY_FAILURE, type MachineActivities } from '../../domain/machine/activities.ts';
import { hostMachineTaskQueue, joinWorkflowId, vmWorkflowId, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import { eventually } from '../../test-support/eventually.ts';
import { FakeMachines } from '../../test-support/workflow/fake-machines.ts';
import { signedStart } from '../../test-support/signed-start.ts';
import {
  startRegistryScene,
  type RegistryScene,
  type RegistrySceneOptions,
} from '../../test-support/workflow/registry-scene.ts';
import {
  runHost,
  runWorker,
  testSpec,
  untilView,
  workflowBundle,
  type SpecChanges,
  type VmHandle,
  type VmHarness,
} from '../../test-support/workflow/vm-harness.ts';
import {
  cordonHostSignal,
  drainHostSignal,
  hostReadySignal,
  machineLostSignal,
  removeHostSignal,
  uncordonHostSignal,
} from '../../workflows/messages.ts';
import type { runVm } from '../../workflows/vm/vm.ts';

/** The first run of a life, closed. */
interface LivedRun {
  workflowId: string;
  runId: string;
}

export const PLACED_LIVES: Readonly<Record<string, (harness: VmHarness) => Promise<LivedRun>>> = {
  'placed-on-its-host': (harness) => vmOnHost(harness, (vm) => vm.signal('destroy')),
  'place-lost-and-asked-again': (harness) =>
    vmOnHost(harness, (vm) => vm.signal('destroy'), {
      around: (activities, place) => ({ ...activities, createMachine: losesFirstPlace(activities, place) }),
    }),
  'host-lost': (harness) =>
    vmOnHost(harness, (vm, machineId) => vm.signal(machineLostSignal, { machineId, cause: 'hostLost' })),
  'host-lost-and-replaced': (harness) =>
    vmOnHost(
      harness,
      async (vm, machineId) => {
        await vm.signal(machineLostSignal, { machineId, cause: 'hostLost' });
        await untilView(vm, (view) => view.state === 'running' && view.machineId !== machineId);
        await vm.signal('destroy');
      },
      { spec: { onLost: 'recreate' } },
    ),
  'host-cordoned-drained-and-removed': ({ server }) =>
    hostLife(server, {}, async ({ handle, announce, isLeased, is, leave, calls }) => {
      await announce();
      await isLeased(1);
      await handle.signal(cordonHostSignal);
      await isLeased(2);
      await handle.signal(uncordonHostSignal);
      await isLeased(3);
      await handle.signal(drainHostSignal);
      await isLeased(4);
      await untilSaid(calls, 'drain');
      await leave();
      await is('away');
      await announce();
      await isLeased(5);
      await handle.signal(removeHostSignal);
      await handle.result();
    }),
  'host-away-and-lost': ({ server }) =>
    hostLife(server, { lostSeconds: 2 }, async ({ handle, announce, beat, isLeased, is, calls }) => {
      await announce();
      await isLeased(1);
      await beat();
      // Nobody heartbeats any more.
      await is('lost', 30_000);
      await untilSaid(calls, 'release');
      await announce();
      await isLeased(2);
      await handle.signal(removeHostSignal);
      await handle.result();
    }),
  'host-facts-refused': ({ server }) =>
    hostLife(server, {}, async ({ handle, announce, isLeased }) => {
      await announce();
      await isLeased(1);
      const capacity = { cpus: 1, memoryMb: 1, diskGb: 1 };
      const facts = { version: '1', providers: [], capacity, zone: null, labels: {}, address: null, fingerprint: null };
      await handle.signal(hostReadySignal, { incarnation: 'forged', facts: { ...facts, lostSeconds: 0.5 } });
      await handle.signal(removeHostSignal);
      await handle.result();
    }),
  'host-continued-as-new': ({ server }) =>
    hostLife(server, { historyLimitEvents: 5 }, async ({ handle, announce, isLeased, is, leases }) => {
      await announce();
      await isLeased(1);
      await handle.signal(cordonHostSignal);
      await is('cordoned');
      await eventually(() => {
        if (leases.at(-1)?.lease !== 2) throw new Error('the host has no new lease');
      });
      await handle.signal(removeHostSignal);
      await handle.result();
    }),
  join: async ({ server }) => {
    const taskQueue = `join-${randomUUID().slice(0, 8)}`;
    const stop = await runWorker(server, { taskQueue, workflowBundle: await workflowBundle() });
    const workflowId = joinWorkflowId(randomUUID());
    const handle = await server.client.workflow.start(WORKFLOW_TYPE.join, { workflowId, taskQueue });
    await handle.result();
    await stop();
    return { workflowId, runId: handle.firstExecutionRunId };
  },
};

interface OnHost {
  spec?: SpecChanges;
  around?: (activities: MachineActivities, place: { host: string; queue: string }) => MachineActivities;
}

/** A VM whose create is pulled by a host, which serves it from then on. */
async function vmOnHost(
  { server }: VmHarness,
  live: (vm: VmHandle, machineId: string) => Promise<void>,
  { spec, around = (activities) => activities }: OnHost = {},
): Promise<LivedRun> {
  const control = `placed-${randomUUID().slice(0, 8)}`;
  const host = 'host-a';
  const place = { host, queue: hostMachineTaskQueue('local', host, control) };
  const activities = around(new FakeMachines().activities(), place);
  const stops = [
    await runWorker(server, { taskQueue: control, workflowBundle: await workflowBundle() }),
    await runHost(server, control, activities, host),
  ];
  const name = `vm-${randomUUID().slice(0, 8)}`;
  const workflowId = vmWorkflowId('default', name);
  const input = { ...signedStart({ project: 'default', name, spec: testSpec(spec) }), placement: 'host' } as const;
  const vm = await server.client.workflow.start<typeof runVm>('vm', { workflowId, taskQueue: control, args: [input] });
  const { machineId } = await untilView(vm, ({ state }) => state === 'running');
  await live(vm, machineId);
  await vm.result().catch(() => undefined);
  await Promise.all(stops.map((stop) => stop()));
  return { workflowId, runId: vm.firstExecutionRunId };
}

/** As of a host whose worker was shut down in the middle of the create. */
function losesFirstPlace({ createMachine }: MachineActivities, takenBy: { host: string; queue: string }) {
  let isFirst = true;
  return (input: Parameters<MachineActivities['createMachine']>[0]): ReturnType<MachineActivities['createMachine']> => {
    if (!isFirst) return createMachine(input);
    isFirst = false;
    throw ApplicationFailure.create({
      ...{ type: ACTIVITY_FAILURE.placeLost, nonRetryable: true, message: 'the worker of its host ended meanwhile' },
      details: [{ create: { handedBack: [], takenBy } }],
    });
  };
}

async function hostLife(
  server: VmHarness['server'],
  options: RegistrySceneOptions,
  live: (scene: RegistryScene) => Promise<void>,
): Promise<LivedRun> {
  const scene = await startRegistryScene(server, options);
  // The first run is known from its start on.
  const first: LivedRun = { workflowId: scene.handle.workflowId, runId: '' };
  const announce = async (): Promise<void> => {
    const { signaledRunId } = (await scene.announce()) as { signaledRunId: string };
    if (first.runId === '') first.runId = signaledRunId;
  };
  await live({ ...scene, announce });
  await scene.stop();
  return first;
}

function untilSaid(calls: readonly string[], call: string): Promise<void> {
  return eventually(() => {
    if (!calls.includes(call)) throw new Error(`nobody asked for the ${call}`);
  });
}
