/** One life of each kind of ending, driven on a real server: their histories are what replay guards. */
import type { FakeMachines } from '../../test-support/workflow/fake-machines.ts';
import { untilView, type SpecChanges, type VmHandle, type VmHarness } from '../../test-support/workflow/vm-harness.ts';
import type { VmInput } from '../../workflows/messages.ts';

interface Ending {
  spec?: SpecChanges;
  input?: Partial<VmInput>;
  prepare?: (park: FakeMachines) => void;
  /** What happens to the VM once it is ready; nothing: it ends by itself. */
  live?: (vm: VmHandle, machineId: string, park: FakeMachines) => Promise<void>;
}

const report = (machineId: string, sequence: number, connections: number): object => ({
  machineId,
  sequence,
  connections,
  sentAt: Date.now(),
});

export const ENDINGS: Readonly<Record<string, Ending>> = {
  requested: { live: (vm) => vm.signal('destroy') },
  idle: {
    spec: { idle: { timeoutSeconds: 1 } },
    live: async (vm, machineId) => {
      await vm.signal('report', report(machineId, 2, 1));
      await vm.signal('report', report(machineId, 3, 0));
    },
  },
  /** Before questions had names there was `idle-confirmed-by-report`, whose history is kept. */
  'idle-confirmed-by-named-report': {
    spec: { idle: { timeoutSeconds: 1 } },
    prepare: (park) => {
      park.confirmBy = 'report';
    },
    live: async (vm, machineId) => {
      await vm.signal('report', report(machineId, 2, 1));
      await vm.signal('report', report(machineId, 3, 0));
      const { confirmationId: answers } = await untilView(vm, (view) => view.confirmationId !== undefined);
      await vm.signal('report', { ...report(machineId, 4, 0), answers });
    },
  },
  'never-connected': { spec: { idle: { firstConnectTimeoutSeconds: 1 } } },
  'max-lifetime': { spec: { maxLifetimeSeconds: 2 } },
  'soft-lifetime': { spec: { softLifetimeSeconds: 1 } },
  drained: {
    live: async (vm, machineId) => {
      await vm.signal('report', report(machineId, 2, 1));
      await vm.signal('drain');
      await vm.signal('undrain');
      await vm.signal('hold', 60);
      await vm.signal('hold', 0);
      await vm.signal('drain');
      await vm.signal('report', report(machineId, 3, 0));
    },
  },
  'create-failed': { prepare: (park) => void park.faults.push({ name: 'createMachine', kind: 'failForGood' }) },
  'not-ready': { prepare: (park) => void park.faults.push({ name: 'awaitMachineReady', kind: 'failForGood' }) },
  lost: {
    spec: { idle: { silenceTimeoutSeconds: 1 } },
    live: (_vm, machineId, park) => {
      park.machines.delete(machineId);
      return Promise.resolve();
    },
  },
  // Its machine lives, and says nothing any more.
  'lost-past-its-grace': { spec: { idle: { silenceTimeoutSeconds: 1 } }, live: () => Promise.resolve() },
  replaced: {
    spec: { onLost: 'recreate' },
    live: async (vm, machineId, park) => {
      park.machines.delete(machineId);
      await vm.signal('machineLost', { machineId });
      await untilView(vm, (view) => view.state === 'running' && view.machineId !== machineId);
      await vm.signal('destroy');
    },
  },
  preempted: {
    spec: { idle: { silenceTimeoutSeconds: 1 } },
    live: (_vm, machineId, park) => {
      park.preempt(machineId);
      return Promise.resolve();
    },
  },
  'preempted-and-replaced': {
    spec: { onLost: 'recreate' },
    prepare: (park) => void park.faults.push({ name: 'awaitMachineReady', kind: 'takenAway' }),
    live: (vm) => vm.signal('destroy'),
  },
  cancelled: { live: (vm) => vm.cancel().then(() => undefined) },
  'cancelled-while-creating': {
    prepare: (park) => void park.faults.push({ name: 'createMachine', kind: 'hang' }),
  },
  forced: {
    prepare: (park) => void park.broken.add('destroyMachine'),
    live: (vm) => vm.signal('destroy', { force: true }),
  },
  held: {
    live: async (vm) => {
      await vm.signal('hold', 1);
      await untilView(vm, ({ aliveBecause }) => aliveBecause === 'hold');
      await untilView(vm, ({ aliveBecause }) => aliveBecause === 'firstConnectGrace');
      await vm.signal('destroy');
    },
  },
  'stopped-and-started': {
    live: async (vm) => {
      await vm.signal('stop');
      await untilView(vm, ({ state }) => state === 'stopped');
      await vm.signal('start');
      await untilView(vm, ({ state, startedFrom }) => state === 'running' && startedFrom === 'stopped');
      await vm.signal('destroy');
    },
  },
  'stopped-when-empty': {
    spec: { idle: { action: 'stop', firstConnectTimeoutSeconds: 1, retentionSeconds: 1 } },
  },
  'suspended-and-resumed': {
    live: async (vm) => {
      await vm.signal('suspend');
      await untilView(vm, ({ state }) => state === 'suspended');
      await vm.signal('resume');
      await untilView(vm, ({ state, startedFrom }) => state === 'running' && startedFrom === 'suspended');
      await vm.signal('destroy');
    },
  },
  'suspended-when-empty': {
    spec: { idle: { action: 'suspend', firstConnectTimeoutSeconds: 1, retentionSeconds: 1 } },
  },
  'suspend-refused': {
    prepare: (park) => void park.faults.push({ name: 'suspendMachine', kind: 'failForGood' }),
    live: async (vm, _machineId, park) => {
      await vm.signal('suspend');
      await untilView(vm, ({ state }) => state === 'running' && park.countOf('suspendMachine') === 1);
      await vm.signal('destroy');
    },
  },
  'started-again-and-called-lost': {
    live: async (vm, machineId, park) => {
      await vm.signal('stop');
      await untilView(vm, ({ state }) => state === 'stopped');
      await vm.signal('start');
      await untilView(vm, ({ state, startedFrom }) => state === 'running' && startedFrom === 'stopped');
      await vm.signal('machineLost', { machineId });
      await untilView(vm, ({ health }) => health === 'ok' && park.countOf('probeMachine') === 1);
      await vm.signal('destroy');
    },
  },
  'stopped-and-gone': {
    spec: { onLost: 'recreate' },
    live: async (vm, machineId, park) => {
      await vm.signal('stop');
      await untilView(vm, ({ state }) => state === 'stopped');
      park.machines.delete(machineId);
      await vm.signal('start');
    },
  },
  // Moves on in the very task in which it became ready: what happened there is published before.
  'continued-as-new-when-ready': { input: { historyLimitEvents: 5 }, live: () => Promise.resolve() },
  'continued-as-new': {
    input: { historyLimitEvents: 30 },
    live: async (vm, machineId) => {
      for (let sequence = 2; sequence < 12; sequence += 1) {
        await vm.signal('report', report(machineId, sequence, sequence % 2));
      }
    },
  },
};

/** Lives one ending and returns the handle of its first run, closed. */
export async function liveEnding(harness: VmHarness, name: string): Promise<VmHandle> {
  const ending = ENDINGS[name];
  if (ending === undefined) throw new Error(`no such ending: ${name}`);
  const { park, start, stopWorkers } = await harness.park(`ending ${name}`);
  ending.prepare?.(park);
  const vm = await start(ending.spec, ending.input);
  if (name === 'cancelled-while-creating') {
    await untilView(vm, ({ state }) => state === 'creating' && park.countOf('createMachine') > 0);
    await vm.cancel();
  } else if (ending.live !== undefined) {
    const { machineId } = await untilView(vm, ({ state }) => state === 'running');
    await ending.live(vm, machineId, park);
  }
  await untilClosed(harness, vm);
  await stopWorkers();
  return vm;
}

async function untilClosed({ server }: VmHarness, vm: VmHandle): Promise<void> {
  const firstRun = server.client.workflow.getHandle(vm.workflowId, vm.firstExecutionRunId);
  const deadline = Date.now() + 60_000;
  while ((await firstRun.describe()).status.name === 'RUNNING') {
    if (Date.now() > deadline) throw new Error(`${vm.workflowId} does not end`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
