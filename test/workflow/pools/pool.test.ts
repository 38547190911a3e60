/** Pools: the real workflows over machines in memory, and a crowd of claims on real local machines. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPoolActivities } from '../../../activities/control/pool-activities.ts';
import { PoolDirectory } from '../../../api/pools/pool-directory.ts';
import { warmWorkflowId } from '../../../domain/wire-names.ts';
import { eventually } from '../../../test-support/eventually.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';
import { sceneOf, type PoolScene } from '../../../test-support/workflow/pool-scene.ts';
import { runWorker, startVmHarness, untilView, type VmHarness } from '../../../test-support/workflow/vm-harness.ts';

let harness: VmHarness;

beforeAll(async () => {
  harness = await startVmHarness();
});
afterAll(async () => {
  await harness.stop();
});

async function scene(
  title: string,
): Promise<Pick<PoolScene, 'queue' | 'configure' | 'startVm'> & { park: FakeMachines }> {
  const { park, queue } = await harness.park(title);
  return { ...sceneOf(harness.server, queue), park };
}

/** Four callers of two replicas, each with the next claims as soon as it has its answers, until it is stopped. */
function keepClaiming(pool: string, queue: string): { asked: string[]; granted: string[]; stop: () => Promise<void> } {
  const [asked, granted]: [string[], string[]] = [[], []];
  let isOver = false;
  // However slow the computer: what is counted is answers.
  const replicas = [1, 2].map(() => new PoolDirectory(harness.server.client, queue, () => [], 60));
  const callers = [...replicas, ...replicas].map(async (replica) => {
    while (!isOver) {
      const ids = Array.from({ length: 10 }, () => randomUUID());
      asked.push(...ids);
      const answers = await Promise.all(ids.map((id) => replica.claim('default', pool, { id, version: 1 })));
      granted.push(...answers.filter((machineId) => machineId !== null));
    }
  });
  const stop = async (): Promise<void> => {
    isOver = true;
    await Promise.all(callers);
  };
  return { asked, granted, stop };
}

const WARM = { min: 3, max: 6, ttlSeconds: 600 };

describe('a pool', () => {
  it('keeps its machines ready, refills at once what was claimed, and counts', async ({ task }) => {
    const { configure, park } = await scene(task.name);
    const pool = await configure({ warm: WARM });
    await pool.until({ ready: 3, inFlight: 0 });
    const [first, second] = await pool.claim('a', 'b');
    expect(first).not.toBe(second);
    expect(await pool.claim('b', 'a')).toEqual([second, first]);
    await pool.until({ ready: 3, inFlight: 0, claimed: 2, missed: 0 });
    expect(park.machines.size).toBe(5);
  });

  it('gives a VM a machine that was made before it was asked for', async ({ task }) => {
    const { configure, startVm, park } = await scene(task.name);
    const pool = await configure({ warm: { min: 1, max: 1, ttlSeconds: 600 } });
    await pool.until({ ready: 1 });
    const [machineId] = await pool.claim(randomUUID());
    const vm = await startVm({ machineId: machineId! });
    expect(await untilView(vm, ({ state }) => state === 'running')).toMatchObject({ machineId });
    expect(park.countOf('adoptMachine')).toBe(1);
    await pool.until({ ready: 1 });
  });

  it('gives a VM whose host refuses it a new machine, and the one that it was granted is destroyed', async ({
    task,
  }) => {
    const { configure, startVm, park } = await scene(task.name);
    const pool = await configure({ warm: { min: 1, max: 1, ttlSeconds: 600 } });
    await pool.until({ ready: 1 });
    const [machineId] = await pool.claim(randomUUID());
    park.faults.push({ name: 'adoptMachine', kind: 'failForGood' });
    const vm = await startVm({ machineId: machineId! });
    const view = await untilView(vm, ({ state }) => state === 'running');
    expect([view.machineId === machineId, view.startedFrom]).toEqual([false, 'new']);
    await eventually(() => expect(park.machines.has(machineId!)).toBe(false));
  });

  it('never has more machines than its maximum, however many are claimed, and answers the rest with nothing', async ({
    task,
  }) => {
    const { configure, park } = await scene(task.name);
    const pool = await configure({ warm: { min: 2, max: 3, ttlSeconds: 600 } });
    await pool.until({ ready: 2 });
    const answers = await pool.claim(...Array.from({ length: 20 }, (_, at) => `c-${at}`));
    expect(answers.filter((machineId) => machineId !== null)).toHaveLength(2);
    await pool.until({ ready: 3, claimed: 2, missed: 18, desired: 3 });
    expect(park.machines.size).toBeLessThanOrEqual(5);
  });

  it('replaces every machine when its template changes, and the machines of before go', async ({ task }) => {
    const { configure, park } = await scene(task.name);
    const pool = await configure({ warm: WARM });
    await pool.until({ ready: 3 });
    const before = [...park.machines.keys()];
    await configure({ warm: WARM, version: 2 });
    await eventually(() => expect([...park.machines.keys()].filter((id) => before.includes(id))).toEqual([]), 20_000);
    await pool.until({ ready: 3, inFlight: 0, version: 2 });
  });

  it('tries a template whose machines fail less and less often, and says what it waits for', async ({ task }) => {
    const { configure, park } = await scene(task.name);
    for (let at = 0; at < 3; at += 1) park.faults.push({ name: 'createMachine', kind: 'failForGood' });
    const pool = await configure({ warm: WARM });
    await eventually(async () => {
      expect((await pool.view()).waitsFor).toMatch(/machines failed in a row \(injected failure for good/);
    });
    const made = park.countOf('createMachine');
    expect(made).toBe(3);
    await pool.until({ ready: 3, failed: 3 });
  });

  it('lets its machines go while it is paused, makes new ones afterwards, and ends with its template', async ({
    task,
  }) => {
    const { configure, park } = await scene(task.name);
    const pool = await configure({ warm: WARM });
    await pool.until({ ready: 3 });
    await configure({ warm: { ...WARM, paused: true } });
    await pool.until({ ready: 0, desired: 0, waitsFor: 'the end of its pause' });
    await eventually(() => expect(park.machines.size).toBe(0));
    await configure({ warm: WARM });
    await pool.until({ ready: 3 });
    await configure({ warm: null });
    await pool.handle.result();
    expect(park.machines.size).toBe(0);
  });

  it('replaces a machine whose workflow was terminated, once it says nothing any more', async ({ task }) => {
    const { configure } = await scene(task.name);
    const pool = await configure({ warm: { min: 1, max: 2, ttlSeconds: 600 } });
    await pool.until({ ready: 1 });
    const [machineId] = await pool.claim('lost');
    await harness.server.client.workflow.getHandle(warmWorkflowId(machineId!)).terminate('by a person');
    await pool.until({ ready: 1, claimed: 1 });
  });

  it('goes on in a fresh history with the machines that it has', async ({ task }) => {
    const { configure } = await scene(task.name);
    const pool = await configure({ warm: { min: 1, max: 1, ttlSeconds: 600 } }, { historyLimitEvents: 60 });
    const { runId } = await pool.handle.describe();
    let claimed = 0;
    await eventually(async () => {
      await pool.until({ ready: 1 });
      const [machineId] = await pool.claim(`c-${claimed}`);
      if (machineId !== null) claimed += 1;
      expect((await pool.handle.describe()).runId).not.toBe(runId);
    }, 30_000);
    await pool.until({ ready: 1, claimed });
    const { historyLength } = await pool.handle.describe();
    expect(historyLength).toBeLessThan(60);
  });

  it('keeps as many ready as its schedule says, and as many as its template says where that has none', async ({
    task,
  }) => {
    const { configure, queue } = await scene(task.name);
    const warm = { min: 0, max: 1, ttlSeconds: 600 };
    const schedule = [{ cron: '* * * * *', timezone: 'Asia/Tokyo', min: 2, max: 3 }];
    const pool = await configure({ warm: { ...warm, schedule } });
    await pool.until({ ready: 0, waitsFor: 'a worker that reads its schedule' });
    const stop = await runWorker(harness.server, {
      taskQueue: queue,
      activities: createPoolActivities(() => Promise.resolve([])),
    });
    try {
      await pool.until({ ready: 2, desired: 2, min: 2, max: 3, waitsFor: null }, 60_000);
      await configure({ version: 2, warm });
      await pool.until({ ready: 0, desired: 0, min: 0, max: 1 }, 60_000);
    } finally {
      await stop();
    }
  });

  it('goes on in a fresh history while claims never stop, and every claim is answered once', async ({ task }) => {
    const { configure, queue } = await scene(task.name);
    const pool = await configure({ warm: { min: 10, max: 20, ttlSeconds: 600 } }, { historyLimitEvents: 100 });
    await pool.until({ ready: 10 }, 60_000);
    const claiming = keepClaiming(pool.name, queue);
    const runs = new Set<string>();
    try {
      await eventually(async () => {
        runs.add((await pool.handle.describe()).runId);
        expect(runs.size).toBeGreaterThan(3);
      }, 90_000);
    } finally {
      await claiming.stop();
    }
    const { asked, granted } = claiming;
    expect(new Set(granted).size).toBe(granted.length);
    const { claimed, missed } = await pool.view();
    expect(claimed).toBe(granted.length);
    expect(claimed + missed).toBeGreaterThanOrEqual(asked.length);
    await pool.handle.terminate('its machines are in memory');
  }, 180_000);

  it('ignores what is none of its messages', async ({ task }) => {
    const { configure } = await scene(task.name);
    const pool = await configure({ warm: { min: 1, max: 1, ttlSeconds: 600 } });
    await pool.until({ ready: 1 });
    await pool.handle.signal('configure', { template: { version: 'new' } });
    await pool.handle.signal('warmOver', 'nothing');
    await expect(pool.handle.executeUpdate('claim', { args: [{ requests: [{}] }] })).rejects.toThrow();
    await expect(pool.claim('x'.repeat(501))).rejects.toThrow();
    expect(await pool.view()).toMatchObject({ ready: 1, version: 1 });
  });
});
