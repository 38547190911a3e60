import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMachineActivities } from '../../activities/machine-activities.ts';
import type { MachineProvider } from '../../domain/machine-provider.ts';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import { createLocalProvider } from '../../providers/local/local-provider.ts';
import { buildVmServer } from '../../scripts/build-vm-server.ts';
import { AgentLinks } from '../../worker/agent-links.ts';
import { temporalVmLedger } from '../../worker/temporal-vm-ledger.ts';
import { temporalVmSignals } from '../../worker/vm-signals.ts';
import type { VmInput } from '../../workflows/messages.ts';
import type { runVm } from '../../workflows/vm.ts';
import { checkedStarts, signedStart } from '../signed-start.ts';
import { startTestServer, type TestServer } from '../temporal-server.ts';
import {
  runHost,
  runWorker,
  testSpec,
  untilView,
  workflowBundle,
  type SpecChanges,
  type VmHandle,
} from '../workflow/vm-harness.ts';
import { FaultPlan, type ActivityName, type Fault } from './faulty-activities.ts';

let server: TestServer;
let provider: MachineProvider;
let stateDir: string;
beforeAll(async () => {
  server = await startTestServer();
  stateDir = await mkdtemp(join(tmpdir(), 'eph-'));
  provider = createLocalProvider({
    stateDir,
    deployment: 'chaos',
    hostId: 'host',
    vmServerFile: await buildVmServer(),
    agentTransport: 'unix',
  });
});
afterAll(async () => {
  const { signal } = new AbortController();
  for (const { machineId } of await provider.list(signal)) await provider.destroy(machineId, signal);
  await server.stop();
  await rm(stateDir, { recursive: true, force: true });
});

type StartVm = (changes?: SpecChanges, input?: Partial<VmInput>) => Promise<VmHandle>;

/** Real local machines behind real activities and links, with faults around them. */
async function withFaults(
  faults: readonly (readonly [ActivityName, Fault])[],
  live: (start: StartVm, plan: FaultPlan) => Promise<void>,
): Promise<void> {
  const plan = new FaultPlan();
  for (const [activity, fault] of faults) plan.add(activity, fault);
  const queue = `chaos-${randomUUID().slice(0, 8)}`;
  const links = new AgentLinks({ provider, signals: temporalVmSignals(server.client), log: pino({ level: 'silent' }) });
  const activities = plan.around(
    createMachineActivities({ provider, links, issueBootstrap: null, ...checkedStarts() }),
  );
  const stopControl = await runWorker(server, { taskQueue: queue, workflowBundle: await workflowBundle() });
  const stopHost = await runHost(server, queue, activities);
  try {
    await live((changes, input) => {
      const name = `vm-${randomUUID().slice(0, 8)}`;
      return server.client.workflow.start<typeof runVm>('vm', {
        workflowId: vmWorkflowId('default', name),
        taskQueue: queue,
        args: [signedStart({ project: 'default', name, spec: testSpec(changes), ...input })],
      });
    }, plan);
  } finally {
    await Promise.all([stopControl(), stopHost()]);
    await links.stop(1000);
  }
}

/** What the provider knows and what is left on the disk: nothing, when all went well. */
async function leftovers(): Promise<string[]> {
  const { signal } = new AbortController();
  const listed = (await provider.list(signal)).map(({ machineId }) => machineId);
  const folders = await readdir(join(stateDir, 'machines'));
  return [...new Set([...listed, ...folders])];
}

const IDLE_LIFE: readonly ActivityName[] = ['createMachine', 'awaitMachineReady', 'confirmUsage', 'destroyMachine'];
const cells = (['fails', 'replyLost', 'runsTwice'] as const).flatMap((fault) =>
  IDLE_LIFE.map((activity) => [activity, fault] as const),
);

describe('a life in which something goes wrong once', () => {
  it.concurrent.each(cells)(
    '%s %s: the VM still lives and ends by its own rule, and no machine is left',
    async (...cell) => {
      await withFaults([cell], async (start) => {
        const vm = await start({ idle: { timeoutSeconds: 1, firstConnectTimeoutSeconds: 1 } });
        expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'neverConnected' });
      });
    },
  );

  it.concurrent.each(['fails', 'replyLost', 'runsTwice'] as const)('tellDraining %s: the VM drains', async (fault) => {
    await withFaults([['tellDraining', fault]], async (start) => {
      const vm = await start();
      await untilView(vm, ({ state }) => state === 'running');
      await vm.signal('drain');
      expect(await vm.result()).toMatchObject({ reason: 'drained' });
    });
  });

  it.concurrent('everything runs twice: one machine, one end', async () => {
    await withFaults(
      IDLE_LIFE.map((activity) => [activity, 'runsTwice'] as const),
      async (start) => {
        const vm = await start({ idle: { firstConnectTimeoutSeconds: 1 } });
        expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'neverConnected' });
      },
    );
  });
});

/** So few that a VM which serves moves to a new run with every task but the first of a run. */
const EVERY_STEP: Partial<VmInput> = { historyLimitEvents: 5 };

describe('a VM whose history is continued as new at every step', () => {
  /** Lives on, and is asked all the while who owns its machine. */
  const neverDisowned = async (vm: WorkflowHandle<typeof runVm>, done: Promise<unknown>): Promise<void> => {
    const signals = temporalVmSignals(server.client);
    const ledger = temporalVmLedger({
      client: server.client,
      signals,
      provider: 'local',
      host: null,
      controlTaskQueue: '-',
    });
    const { machineId } = await untilView(vm, ({ state }) => state === 'running');
    const seen = new Set<string>();
    for (;;) {
      const { status } = await vm.describe();
      if (status.name !== 'RUNNING') break;
      const owner = await ledger.ownership(machineId, vm.workflowId);
      if ((await vm.describe()).status.name === 'RUNNING') seen.add(owner);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect([...seen]).not.toContain('closed');
    await done;
  };

  it.concurrent.each(cells)('%s %s: it lives and ends by its own rule', async (...cell) => {
    await withFaults([cell], async (start) => {
      const vm = await start({ idle: { timeoutSeconds: 1, firstConnectTimeoutSeconds: 3 } }, EVERY_STEP);
      const latest = server.client.workflow.getHandle<typeof runVm>(vm.workflowId);
      await untilView(latest, ({ state }) => state === 'running');
      await latest.signal('hold', 60);
      await latest.signal('hold', 0);
      await neverDisowned(latest, vm.result());
      expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'neverConnected' });
      expect((await latest.describe()).runId, 'it did move on').not.toBe(vm.firstExecutionRunId);
    });
  });

  it.concurrent.each(['fails', 'replyLost', 'runsTwice'] as const)(
    'tellDraining %s: it drains, goes back and drains again',
    async (fault) => {
      await withFaults([['tellDraining', fault]], async (start) => {
        const vm = await start(undefined, EVERY_STEP);
        const latest = server.client.workflow.getHandle<typeof runVm>(vm.workflowId);
        await untilView(latest, ({ state }) => state === 'running');
        await latest.signal('hold', 60);
        await latest.signal('drain');
        await untilView(latest, ({ state }) => state === 'draining');
        await latest.signal('undrain');
        await untilView(latest, ({ state }) => state === 'running');
        await latest.signal('hold', 0);
        await latest.signal('drain');
        expect(await vm.result()).toMatchObject({ reason: 'drained' });
        expect((await latest.describe()).runId).not.toBe(vm.firstExecutionRunId);
      });
    },
  );

  it.concurrent('is cancelled after any of them', async () => {
    await withFaults([], async (start) => {
      const vm = await start(undefined, EVERY_STEP);
      const latest = server.client.workflow.getHandle<typeof runVm>(vm.workflowId);
      await untilView(latest, ({ state }) => state === 'running');
      for (const seconds of [60, 61, 62]) await latest.signal('hold', seconds);
      await untilView(latest, ({ aliveBecause }) => aliveBecause === 'hold');
      await latest.cancel();
      await expect(vm.result()).rejects.toThrow();
      expect((await latest.describe()).status.name).toBe('CANCELLED');
    });
  });
});

describe('a cancel', () => {
  const awaits: readonly ActivityName[] = ['createMachine', 'awaitMachineReady', 'confirmUsage'];
  it.concurrent.each(awaits)(
    'while %s waits: the machine is destroyed and the VM shows as cancelled',
    async (activity) => {
      await withFaults([[activity, 'hangs']], async (start, plan) => {
        const vm = await start({ idle: { firstConnectTimeoutSeconds: 1 } });
        await expect.poll(() => plan.isHanging(activity), { timeout: 20_000 }).toBe(true);
        await vm.cancel();
        await expect(vm.result()).rejects.toThrow();
        expect((await vm.describe()).status.name).toBe('CANCELLED');
      });
    },
  );

  it.concurrent('while it runs and waits for its deadline', async () => {
    await withFaults([], async (start) => {
      const vm = await start();
      await untilView(vm, ({ state }) => state === 'running');
      await vm.cancel();
      await expect(vm.result()).rejects.toThrow();
    });
  });

  it.concurrent('while it drains and waits for the last user', async () => {
    await withFaults([['tellDraining', 'hangs']], async (start, plan) => {
      const vm = await start();
      await untilView(vm, ({ state }) => state === 'running');
      await vm.signal('hold', 600);
      await vm.signal('drain');
      await expect.poll(() => plan.isHanging('tellDraining'), { timeout: 20_000 }).toBe(true);
      await vm.cancel();
      await expect(vm.result()).rejects.toThrow();
    });
  });

  it.concurrent('while it is destroyed: the destroy goes on', async () => {
    await withFaults([['destroyMachine', 'fails']], async (start) => {
      const vm = await start();
      await untilView(vm, ({ state }) => state === 'running');
      await vm.signal('destroy');
      await untilView(vm, ({ state }) => state === 'destroying' || state === 'destroyed');
      await vm.cancel();
      await vm.result().catch(() => undefined);
      expect(await untilView(vm, ({ state }) => state === 'destroyed')).toMatchObject({ reason: 'requested' });
    });
  });

  it.concurrent('before any worker saw the VM', async () => {
    await withFaults([], async (start) => {
      const vm = await start();
      await vm.cancel();
      await expect(vm.result()).rejects.toThrow();
    });
  });
});

describe('afterwards', () => {
  it('no machine is left, in no listing and on no disk', async () => {
    await expect.poll(leftovers, { timeout: 20_000 }).toEqual([]);
  });
});
