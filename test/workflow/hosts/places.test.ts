/** Where machines are: several hosts of one provider, of which each knows its own machines alone. On a real server. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHere, requireNotBegunElsewhere } from '../../../activities/machine/create/create-here.ts';
import { runAsActivity } from '../../../activities/run-activity.ts';
import type { CreateMachineInput, MachineActivities } from '../../../domain/machine/activities.ts';
import type { Machine, MachineFacts, MachineProvider } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import {
  bootTaskQueueOf,
  createTaskQueue,
  hostMachineTaskQueue,
  maintenanceTaskQueueOf,
  vmWorkflowId,
} from '../../../domain/wire-names.ts';
import { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';
import { signedStart } from '../../../test-support/signed-start.ts';
import { eventually } from '../../../test-support/eventually.ts';
import {
  runWorker,
  startVmHarness,
  testSpec,
  untilView,
  workflowBundle,
  type VmHandle,
  type VmHarness,
} from '../../../test-support/workflow/vm-harness.ts';
import { createLaneOf } from '../../../domain/capacity/create-lanes.ts';
import { machineLostSignal, timelineQuery } from '../../../workflows/messages.ts';
import type { runVm } from '../../../workflows/vm/vm.ts';

let harness: VmHarness;
const stops: (() => Promise<void>)[] = [];
beforeAll(async () => {
  harness = await startVmHarness();
});
afterAll(async () => {
  for (const stop of stops) await stop();
  await harness.stop();
});

type Making = (machineId: string, signal: AbortSignal, host: FakeMachines) => Promise<void>;

/** A host of `local` with machines of its own. `making`: what happens while it makes one. */
async function startHost(control: string, host: string, making: Making) {
  const machines = new FakeMachines();
  const state = { cordoned: false, cannotTell: false };
  const queue = hostMachineTaskQueue('local', host, control);
  const provider = {
    describe: (machineId: string) =>
      state.cannotTell
        ? Promise.reject(new Error('EMFILE: too many open files'))
        : Promise.resolve(machines.machines.has(machineId) ? ({} as Machine) : undefined),
    destroy: (machineId: string) => machines.destroyMachine({ machineId }),
  } as unknown as MachineProvider;
  const createMachine = runAsActivity(async (input: CreateMachineInput, context): Promise<MachineFacts> => {
    const here = { host, queue };
    const { machineId } = input;
    if (state.cordoned) throw ApplicationFailure.create({ type: 'cordoned', nextRetryDelay: '100ms' });
    requireNotBegunElsewhere({ here, context });
    let facts: MachineFacts | undefined;
    await createHere({ provider, machineId, here, context }, async () => {
      facts = await machines.createMachine(input);
      await making(machineId, context.signal, machines);
      return {} as Machine;
    });
    return { ...facts!, host, queue };
  });
  const activities: MachineActivities = { ...machines.activities(), createMachine };
  const serve = (taskQueue: string): Promise<() => Promise<void>> =>
    runWorker(harness.server, { taskQueue, activities });
  const own = await Promise.all([serve(bootTaskQueueOf(queue)), serve(maintenanceTaskQueueOf(queue))]);
  stops.push(...own);
  const pull = async (): Promise<() => Promise<void>> => {
    const stop = await serve(createTaskQueue('local', createLaneOf(testSpec(), null), control));
    stops.push(stop);
    return stop;
  };
  return { machines, pull, state };
}

const well: Making = () => Promise.resolve();
const untilCancelled: Making = (_, signal) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

async function scene(making: Making) {
  const control = `places-${randomUUID().slice(0, 8)}`;
  stops.push(await runWorker(harness.server, { taskQueue: control, workflowBundle: await workflowBundle() }));
  const first = await startHost(control, 'first', making);
  const second = await startHost(control, 'second', well);
  const start = (): Promise<VmHandle> => {
    const name = `vm-${randomUUID().slice(0, 8)}`;
    const workflowId = vmWorkflowId('default', name);
    const input = { ...signedStart({ project: 'default', name, spec: testSpec() }), placement: 'host' } as const;
    return harness.server.client.workflow.start<typeof runVm>('vm', { workflowId, taskQueue: control, args: [input] });
  };
  const begun = async (): Promise<string> => {
    await eventually(() => expect(first.machines.machines.size).toBe(1));
    return [...first.machines.machines.keys()][0]!;
  };
  return { start, first, second, begun };
}

const eventsOf = async (vm: VmHandle, kind: string): Promise<number> =>
  ((await vm.fetchHistory()).events ?? []).filter(
    (event) => kind in event && event[kind as keyof typeof event] !== null,
  ).length;

describe.concurrent('a create that its host cannot finish', () => {
  it('because it stopped answering is not tried again by the server: the VM gets another machine elsewhere', async () => {
    let thaw: () => void = () => undefined;
    const thawed = new Promise<void>((resolve) => (thaw = resolve));
    // Neither answers nor heartbeats, like a process that was stopped; it hears of nothing.
    const { start, first, second, begun } = await scene(() => {
      Object.defineProperty(Context.current(), 'heartbeat', { value: () => undefined });
      return thawed;
    });
    await first.pull();
    const vm = await start();
    const lostId = await begun();
    first.state.cordoned = true;
    await second.pull();
    const { machineId, host } = await untilView(vm, ({ state }) => state === 'running', 60_000).finally(thaw);
    expect(host).toBe('second');
    expect(machineId).not.toBe(lostId);
    const timeline = await vm.query(timelineQuery);
    expect(timeline.map(({ detail }) => detail ?? '').join()).toContain(`instead of ${lostId}: host first could not`);
    expect(second.machines.countOf('createMachine')).toBe(1);
    expect(await eventsOf(vm, 'activityTaskTimedOutEventAttributes')).toBe(1);
    await vm.signal('destroy');
    await vm.result();
    expect(second.machines.machines.size).toBe(0);
  });

  it('is undone there before another host makes another machine', async () => {
    const { start, first, second, begun } = await scene(async () => {
      await sleep(200);
      throw new ProviderError('diskFull', 'the disk is full');
    });
    const stopFirst = await first.pull();
    const vm = await start();
    const lostId = await begun();
    await Promise.all([stopFirst(), second.pull()]);
    const { machineId } = await untilView(vm, ({ host }) => host === 'second', 30_000);
    expect(machineId).not.toBe(lostId);
    expect(first.machines.machines.size).toBe(0);
    await vm.signal('destroy');
    await vm.result();
  });

  it('is cancelled only when what the host made is gone, and the destroy goes to that host', async () => {
    const { start, first, second, begun } = await scene(untilCancelled);
    await first.pull();
    const vm = await start();
    await begun();
    await second.pull();
    await vm.signal('destroy');
    await vm.result();
    expect(first.machines.machines.size).toBe(0);
    expect(first.machines.countOf('destroyMachine')).toBe(2);
    expect(second.machines.calls).toEqual([]);
  });

  it('and that nobody ever took leaves nothing to destroy: the VM ends though no host is there', async () => {
    const { start } = await scene(well);
    const vm = await start();
    await untilView(vm, ({ state }) => state === 'creating');
    await vm.signal('destroy');
    expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'requested' });
    expect(await eventsOf(vm, 'activityTaskScheduledEventAttributes')).toBe(1);
  });
});

describe('a create', () => {
  it('of which its host cannot tell what it made is not over for a VM that ends meanwhile', async () => {
    const { start, first, begun } = await scene(() => Promise.reject(new ProviderError('hostFailure', 'EMFILE')));
    first.state.cannotTell = true;
    await first.pull();
    const vm = await start();
    await begun();
    // Time enough for an attempt to fail; the next one would come within half a second.
    await sleep(400);
    await vm.signal('destroy');
    await sleep(1000);
    first.state.cannotTell = false;
    await vm.result();
    // Closed means that the machine was seen gone.
    expect(first.machines.machines.size).toBe(0);
  });
});

describe.concurrent('a VM on a host', () => {
  it('is served there, whoever else serves its provider, and costs no more events than before', async () => {
    const { start, first, second } = await scene(well);
    const stop = await first.pull();
    const vm = await start();
    await untilView(vm, ({ state }) => state === 'running');
    await stop();
    await second.pull();
    await vm.signal('destroy');
    await vm.result();
    expect(first.machines.calls.map(({ name }) => name)).toEqual([
      'createMachine',
      'awaitMachineReady',
      'destroyMachine',
    ]);
    expect(second.machines.calls).toEqual([]);
    expect((await vm.describe()).historyLength).toBeLessThanOrEqual(40);
  });

  it('whose host is lost ends as lost without waiting for its destroy', async () => {
    const { start, first } = await scene(well);
    await first.pull();
    const vm = await start();
    const { machineId } = await untilView(vm, ({ state }) => state === 'running');
    await vm.signal(machineLostSignal, { machineId, cause: 'hostLost' });
    await expect(vm.result()).rejects.toMatchObject({ cause: { type: 'lost' } });
    expect(first.machines.countOf('destroyMachine')).toBe(0);
  });

  it('whose host is lost while its destroy waits for it ends with the reason that it had', async () => {
    const { start, first } = await scene(well);
    await first.pull();
    const vm = await start();
    const { machineId } = await untilView(vm, ({ state }) => state === 'running');
    first.machines.broken.add('destroyMachine');
    await vm.signal('destroy');
    await untilView(vm, ({ state }) => state === 'destroying');
    await vm.signal(machineLostSignal, { machineId, cause: 'hostLost' });
    expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'requested' });
  });
});
