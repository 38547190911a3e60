import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Context } from '@temporalio/activity';
import { NativeConnection, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSettings } from '../../../config/load-settings.ts';
import type { MachineActivities } from '../../../domain/machine/activities.ts';
import type { SweepInput, SweepReport } from '../../../domain/machine/sweep.ts';
import { machineTaskQueue, vmWorkflowId } from '../../../domain/wire-names.ts';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import { hostKeysForAllProviders } from '../../../security/hosts/host-keys.ts';
import { startWorker, type RunningWorker } from '../../../worker/run-worker.ts';
import { destroySignal, viewQuery } from '../../../workflows/messages.ts';
import type { runVm } from '../../../workflows/vm/vm.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { signedStart } from '../../../test-support/signed-start.ts';
import { startTestServer, TEST_NAMESPACE, type TestServer } from '../../../test-support/temporal-server.ts';
import type { olderEnd } from '../../../test-support/workflow/older-workflow.ts';
import {
  testSpec,
  untilView,
  workflowBundle,
  type SpecChanges,
  type VmHandle,
} from '../../../test-support/workflow/vm-harness.ts';

const SLOTS = 2;
/** More than any machine-wide hiccup, and far less than the boots would hold their slots. */
const PROMPT_MS = 8000;
const QUEUE = `slots-${randomUUID().slice(0, 8)}`;
const secret = new Uint8Array(32);
const never = { signal: new AbortController().signal };

let server: TestServer;
let stateDir: string;
let worker: RunningWorker;
/** Boots of VMs with these names never end by themselves. */
const stuck = new Set<string>();
let boots = 0;

beforeAll(async () => {
  server = await startTestServer();
  stateDir = await mkdtemp(join(tmpdir(), 'eph-'));
  const env = {
    EPHEMERA_STATE_DIR: stateDir,
    EPHEMERA_DEPLOYMENT: QUEUE,
    EPHEMERA_INTERNAL_PORT: '0',
    EPHEMERA_CONTROL_TASK_QUEUE: QUEUE,
    EPHEMERA_SWEEP_INTERVAL_SECONDS: '3600',
    TEMPORAL_ADDRESS: server.address,
    TEMPORAL_NAMESPACE: TEST_NAMESPACE,
  };
  worker = await startWorker({
    settings: loadSettings({ argv: [], env, cwd: stateDir }),
    connection: { address: server.address },
    keys: hostKeysForAllProviders(secret),
    vmServerFile: await buildVmServer(),
    log: pino({ level: 'silent' }),
    workflowBundle: await workflowBundle(),
    activitySlots: { create: SLOTS, boot: SLOTS, maintenance: SLOTS },
    aroundActivities: withStuckBoots,
  });
});
afterAll(async () => {
  for (const { machineId } of await worker.hosts[0]!.provider.list(never)) {
    await worker.hosts[0]!.provider.destroy(machineId, never);
  }
  await worker.shutdown();
  await server.stop();
  await rm(stateDir, { recursive: true, force: true });
});

function withStuckBoots(activities: MachineActivities): MachineActivities {
  return {
    ...activities,
    awaitMachineReady: async (input) => {
      if (!stuck.has(input.workflowId)) return activities.awaitMachineReady(input);
      boots += 1;
      const beat = setInterval(() => Context.current().heartbeat(), 1000);
      return Context.current().cancelled.finally(() => {
        clearInterval(beat);
        boots -= 1;
      });
    },
  };
}

async function startVm(changes: SpecChanges = {}, boot: 'boots' | 'never boots' = 'boots'): Promise<VmHandle> {
  const name = `vm-${randomUUID().slice(0, 8)}`;
  const workflowId = vmWorkflowId('default', name);
  if (boot === 'never boots') stuck.add(workflowId);
  return server.client.workflow.start<typeof runVm>('vm', {
    workflowId,
    taskQueue: QUEUE,
    args: [signedStart({ project: 'default', name, spec: testSpec(changes) }, null, { secret, deployment: QUEUE })],
  });
}

async function startRunning(changes?: SpecChanges): Promise<VmHandle> {
  const vm = await startVm(changes);
  await untilView(vm, ({ state }) => state === 'running');
  return vm;
}

const within = async <Result>(work: Promise<Result>): Promise<Result> => {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${PROMPT_MS} ms`)), PROMPT_MS);
  });
  return Promise.race([work, tooLate]).finally(() => clearTimeout(timer));
};

describe('a host', () => {
  it('serves what an older control worker scheduled on the queue of the creates', async () => {
    const older = `older-${QUEUE}`;
    const connection = await NativeConnection.connect({ address: server.address });
    const control = await Worker.create({
      connection,
      namespace: TEST_NAMESPACE,
      taskQueue: older,
      workflowsPath: fileURLToPath(new URL('../../../test-support/workflow/older-workflow.ts', import.meta.url)),
    });
    const vm = await startRunning();
    const { machineId } = await vm.query(viewQuery);
    const answer = await control.runUntil(
      server.client.workflow.execute<typeof olderEnd>('olderEnd', {
        workflowId: `${older}/end`,
        taskQueue: older,
        args: [machineTaskQueue('local', QUEUE), machineId],
      }),
    );
    await connection.close();
    expect(answer).toEqual({ alive: true });
    expect(await worker.hosts[0]!.provider.describe(machineId, never)).toBeUndefined();
    await vm.signal(destroySignal);
    await vm.result();
  }, 30_000);
});

describe('while boots hold every slot that a boot can have', () => {
  it('a DELETE, the end of an empty VM, a sweep and a create are done at once', async () => {
    const [requested, empty] = [
      await startRunning(),
      await startRunning({ idle: { timeoutSeconds: 4, firstConnectTimeoutSeconds: 4 } }),
    ];
    const booting = await Promise.all(Array.from({ length: SLOTS + 1 }, () => startVm({}, 'never boots')));
    await eventually(() => expect(boots).toBe(SLOTS), 20_000);

    await requested.signal(destroySignal);
    expect(await within(requested.result())).toMatchObject({ state: 'destroyed', reason: 'requested' });
    expect(await within(empty.result())).toMatchObject({ state: 'destroyed', reason: 'neverConnected' });
    const input: SweepInput = { dryRun: true, providers: ['local'] };
    const [report] = await within(
      server.client.workflow.execute<(input: SweepInput) => Promise<SweepReport[]>>('sweep', {
        workflowId: `sweep/${QUEUE}/${randomUUID()}`,
        taskQueue: QUEUE,
        args: [input],
      }),
    );
    expect(report).toMatchObject({ dryRun: true, lost: [] });
    const created = await startVm();
    await within(untilView(created, ({ state }) => state === 'booting'));

    await Promise.all([...booting, created].map((vm) => vm.signal(destroySignal)));
    await Promise.all([...booting, created].map((vm) => vm.result()));
  }, 60_000);
});
