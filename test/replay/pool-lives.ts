/** Lives of pools, of their machines and of VMs that got one, driven on a real server for their histories. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createPoolActivities } from '../../activities/control/pool-activities.ts';
import { warmWorkflowId } from '../../domain/wire-names.ts';
import { eventually } from '../../test-support/eventually.ts';
import { exchangeUpdate, reportSignal } from '../../workflows/messages.ts';
import type { FakeMachines } from '../../test-support/workflow/fake-machines.ts';
import { sceneOf, type Pool, type PoolScene } from '../../test-support/workflow/pool-scene.ts';
import { runWorker, untilView, type VmHarness } from '../../test-support/workflow/vm-harness.ts';

interface LivedRun {
  workflowId: string;
  runId: string;
}

const ONE = { min: 1, max: 1, ttlSeconds: 600 };
/** One run claims so often at most until it is continued as new. */
const MOST_CLAIMS = 500;

export const POOL_LIVES: Readonly<Record<string, (harness: VmHarness) => Promise<LivedRun>>> = {
  'pool-claimed-failed-paused-and-ended': async (harness) => {
    const { configure, park } = await sceneIn(harness);
    park.faults.push({ name: 'createMachine', kind: 'failForGood' });
    const pool = await configure({ warm: { min: 2, max: 3, ttlSeconds: 600 } });
    const { runId } = await pool.handle.describe();
    await pool.until({ ready: 2, failed: 1 });
    await pool.claim('a', 'b', 'c');
    await pool.until({ ready: 3, claimed: 2, missed: 1 });
    await configure({ version: 2, warm: { ...ONE, paused: true } });
    await pool.until({ ready: 0, desired: 0 });
    await configure({ version: 3, warm: null });
    await pool.handle.result();
    return { workflowId: pool.handle.workflowId, runId };
  },
  'pool-continued-as-new-under-load': async (harness) => {
    const { configure } = await sceneIn(harness);
    const pool = await configure({ warm: { min: 5, max: 10, ttlSeconds: 600 } }, { historyLimitEvents: 60 });
    return { workflowId: pool.handle.workflowId, runId: await runContinuedUnderLoad(harness, pool) };
  },
  'pool-scheduled': async (harness) => {
    const { configure, queue } = await sceneIn(harness);
    const stop = await runWorker(harness.server, {
      taskQueue: queue,
      activities: createPoolActivities(() => Promise.resolve([])),
    });
    const schedule = [{ cron: '* * * * *', min: 2, max: 3 }];
    const pool = await configure({ warm: { min: 0, max: 1, ttlSeconds: 600, schedule } });
    const { runId } = await pool.handle.describe();
    await pool.until({ ready: 2 });
    await configure({ version: 2, warm: null });
    await pool.handle.result();
    await stop();
    return { workflowId: pool.handle.workflowId, runId };
  },
  'warm-handed-over': async (harness) => {
    const { warm, vm } = await handedOver(harness);
    await vm.signal('destroy');
    await vm.result();
    return warm;
  },
  'warm-joined-over-http-and-handed-over': async (harness) => {
    const { configure, startVm, park } = await sceneIn(harness);
    // Its agent has no channel: that it is there its workflow hears from the API.
    park.faults.push({ name: 'awaitMachineReady', kind: 'hang' });
    const pool = await configure({ warm: ONE });
    await eventually(() => {
      assert(park.countOf('awaitMachineReady') > 0);
    }, 120_000);
    const [machineId = ''] = park.machines.keys();
    const warm = harness.server.client.workflow.getHandle(warmWorkflowId(machineId));
    await warm.executeUpdate(exchangeUpdate, { args: [{ machineId, nonce: 'nonce' }] });
    const report = { machineId, sequence: 1, connections: 0, sentAt: Date.now() };
    await warm.signal(reportSignal, report);
    await pool.until({ ready: 1 });
    await warm.signal(reportSignal, { ...report, sequence: 2 });
    await pool.claim('a');
    await pool.handle.terminate('no refill');
    const vm = await startVm({ machineId });
    await untilView(vm, ({ state }) => state === 'running');
    await vm.signal('destroy');
    await vm.result();
    return lived(harness, warmWorkflowId(machineId));
  },
  'warm-retired': async (harness) => {
    const { configure } = await sceneIn(harness);
    const pool = await configure({ warm: ONE });
    await pool.until({ ready: 1 });
    const [machineId] = await machinesOf(harness, pool);
    await configure({ version: 2, warm: { ...ONE, paused: true } });
    return lived(harness, warmWorkflowId(machineId!));
  },
  'pool-spread-over-hosts': async (harness) => {
    const { pool } = await spreadPool(harness);
    const { runId } = await pool.handle.describe();
    await pool.handle.result();
    return { workflowId: pool.handle.workflowId, runId };
  },
  'warm-asked-of-a-host-that-is-gone-first': async (harness) => {
    const { pool, machineId } = await spreadPool(harness);
    await pool.handle.result();
    return lived(harness, warmWorkflowId(machineId));
  },
  'warm-replaced-before-it-goes': async (harness) => {
    const { configure } = await sceneIn(harness);
    const pool = await configure({ warm: { ...ONE, max: 2 } });
    await pool.until({ ready: 1 });
    const [machineId] = await machinesOf(harness, pool);
    await harness.server.client.workflow.getHandle(warmWorkflowId(machineId!)).signal('drain');
    return lived(harness, warmWorkflowId(machineId!));
  },
  'warm-not-asked-for': async (harness) => {
    const { machineId } = await granted(harness);
    const warm = warmWorkflowId(machineId);
    await harness.server.client.workflow.getHandle(warm).signal('returned', { by: { workflowId: 'vm', runId: 'run' } });
    return lived(harness, warm);
  },
  'warm-failed': async (harness) => {
    const { configure, park } = await sceneIn(harness);
    park.faults.push({ name: 'createMachine', kind: 'failForGood' });
    const pool = await configure({ warm: ONE });
    await pool.until({ failed: 1 });
    const [machineId] = await machinesOf(harness, pool);
    return lived(harness, warmWorkflowId(machineId!));
  },
  'vm-adopted-a-warm-machine': async (harness) => {
    const { vm } = await handedOver(harness);
    await vm.signal('destroy');
    await vm.result();
    return { workflowId: vm.workflowId, runId: vm.firstExecutionRunId };
  },
  'vm-gave-back-what-it-never-asked-for': async (harness) => {
    const { machineId, startVm } = await granted(harness);
    const vm = await startVm({ machineId, endsAtOnce: true });
    await vm.result();
    return { workflowId: vm.workflowId, runId: vm.firstExecutionRunId };
  },
};

async function sceneIn(
  harness: VmHarness,
): Promise<Pick<PoolScene, 'queue' | 'configure' | 'startVm'> & { park: FakeMachines }> {
  const { queue, park } = await harness.park(randomUUID());
  return { ...sceneOf(harness.server, queue), park };
}

/** Its hosts are in the registry, and nobody works there. */
async function spreadPool(harness: VmHarness): Promise<{ pool: Pool; machineId: string }> {
  const { configure, queue } = await sceneIn(harness);
  const hosts = ['a', 'b'].map((hostId) => ({ hostId, state: 'ready' as const, providers: ['local'] }));
  const listed = hosts.map((host) => ({ ...host, zone: null, labels: {} }));
  const activities = createPoolActivities(() => Promise.resolve(listed));
  const stop = await runWorker(harness.server, { taskQueue: queue, activities });
  const pool = await configure({ warm: ONE, placement: 'host' });
  await pool.until({ ready: 1 });
  const [machineId] = await machinesOf(harness, pool);
  await configure({ version: 2, warm: null, placement: 'host' });
  await stop();
  return { pool, machineId: machineId! };
}

async function granted(harness: VmHarness): Promise<{ machineId: string } & Pick<PoolScene, 'startVm'>> {
  const { configure, startVm } = await sceneIn(harness);
  const pool = await configure({ warm: ONE });
  await pool.until({ ready: 1 });
  const [machineId] = await pool.claim('a');
  await pool.handle.terminate('no refill');
  return { machineId: machineId!, startVm };
}

async function handedOver(
  harness: VmHarness,
): Promise<{ warm: LivedRun; vm: Awaited<ReturnType<PoolScene['startVm']>> }> {
  const { machineId, startVm } = await granted(harness);
  const vm = await startVm({ machineId });
  await untilView(vm, ({ state }) => state === 'running');
  return { warm: await lived(harness, warmWorkflowId(machineId)), vm };
}

/** Once it has closed. */
async function lived({ server }: VmHarness, workflowId: string): Promise<LivedRun> {
  const handle = server.client.workflow.getHandle(workflowId);
  await handle.result();
  return { workflowId, runId: (await handle.describe()).runId };
}

async function machinesOf({ server }: VmHarness, { handle }: Pool): Promise<string[]> {
  const { events } = await server.client.workflow.getHandle(handle.workflowId).fetchHistory();
  return (events ?? []).flatMap((event) => {
    const id = event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId;
    return typeof id === 'string' ? [id.replace('warm/', '')] : [];
  });
}

/** The first run that had something to do when it was continued as new. */
async function runContinuedUnderLoad({ server }: VmHarness, { handle, claim }: Pool): Promise<string> {
  const seen = new Set<string>();
  for (let at = 0; at < MOST_CLAIMS; at += 1) {
    const ids = Array.from({ length: 5 }, () => randomUUID());
    await Promise.all([claim(...ids), claim(randomUUID())]).catch(() => undefined);
    const { runId } = await handle.describe();
    if (seen.has(runId)) continue;
    for (const earlier of seen) {
      const { events } = await server.client.workflow.getHandle(handle.workflowId, earlier).fetchHistory();
      if (JSON.stringify(events).includes('markerRecordedEventAttributes')) return earlier;
    }
    seen.add(runId);
  }
  throw new Error('no run was continued as new while it had something to do');
}
