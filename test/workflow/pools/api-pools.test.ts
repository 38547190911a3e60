/** Creates from a template with a pool, through the API. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPoolActivities } from '../../../activities/control/pool-activities.ts';
import { createTemplateActivities } from '../../../activities/control/template-activities.ts';
import { PoolDirectory } from '../../../api/pools/pool-directory.ts';
import { poolListSchema, type ApiPool } from '../../../api/schemas/pool.ts';
import type { PoolView } from '../../../domain/pool/view.ts';
import { poolWorkflowId } from '../../../domain/wire-names.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { startTestApi, uniqueName, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';
import { sceneOf } from '../../../test-support/workflow/pool-scene.ts';
import { runWorker } from '../../../test-support/workflow/vm-harness.ts';
import { temporalTemplates } from '../../../worker/temporal/temporal-templates.ts';
import { poolViewQuery } from '../../../workflows/messages.ts';

let scene: ApiScene;
let park: FakeMachines;
let api: TestApi;
let queue: string;
let stopTelling: () => Promise<void>;

beforeAll(async () => {
  scene = await startApiScene('api pools');
  ({ park, queue, api } = scene);
  const activities = {
    ...createTemplateActivities(temporalTemplates(scene.server.client, queue)),
    ...createPoolActivities(() => Promise.resolve([])),
  };
  stopTelling = await runWorker(scene.server, { taskQueue: queue, activities });
});
afterAll(async () => {
  await stopTelling();
  await scene.stop();
});

/** Takes the place of the built-in template of its name. */
async function poolOfChat(warm: { min: number; max: number; ttlSeconds: number }): Promise<void> {
  const spec = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }] };
  const { status, body } = await api.call('PUT', '/v1/templates/chat', { body: { spec, warm } });
  expect([status < 300, body]).toMatchObject([true, { warm }]);
}

async function pools(): Promise<ApiPool[]> {
  const { body } = await api.call('GET', '/v1/pools');
  return poolListSchema.parse(body).pools;
}

/** As its workflow says now; a list may be a second old. */
function chatPool(): Promise<PoolView> {
  const { workflow } = scene.server.client;
  return workflow.getHandle(poolWorkflowId('default', 'chat', queue)).query(poolViewQuery);
}

async function untilReady(ready: number): Promise<void> {
  await eventually(async () => expect(await chatPool()).toMatchObject({ ready, inFlight: 0 }), 60_000);
}

/** Machines that were made before anybody asked. */
const machinesNow = (): Set<string> => new Set(park.machines.keys());

describe('a create from a template with a pool', () => {
  it('gets a machine that waits, says so, and the pool says what it did', async () => {
    await poolOfChat({ min: 2, max: 2, ttlSeconds: 600 });
    await untilReady(2);
    const before = machinesNow();
    const path = '/v1/vms?wait=ready&timeoutSeconds=20';
    const unnamed = await api.call('POST', path, { body: { template: 'chat' } });
    const named = await api.call('POST', path, { body: { name: uniqueName(), template: 'chat', env: { A: '1' } } });
    for (const { status, body } of [unnamed, named]) {
      expect([status, body.state, body.startedFrom]).toEqual([201, 'running', 'warm']);
      expect(before).toContain(body.machineId);
    }
    // A list is a second old.
    await eventually(async () =>
      expect(await pools()).toMatchObject([
        { ready: 2, claimed: 2, missed: 0, min: 2, max: 2, version: 2, waitsFor: null },
      ]),
    );
  });

  it('gets a new machine where it wants another one than the template has', async () => {
    await untilReady(2);
    const before = machinesNow();
    const { body } = await api.call('POST', '/v1/vms?wait=ready', { body: { template: 'chat', cpus: 2 } });
    expect(body.state).toBe('running');
    expect(body.startedFrom).not.toBe('warm');
    expect(before).not.toContain(body.machineId);
  });

  it('is the same VM with the same machine when it is repeated with its Idempotency-Key', async () => {
    await untilReady(2);
    const headers = { 'idempotency-key': randomUUID() };
    const answers = await Promise.all(
      [1, 2, 3].map(() => api.call('POST', '/v1/vms?wait=ready', { body: { template: 'chat' }, headers })),
    );
    expect(new Set(answers.map(({ body }) => body.machineId)).size).toBe(1);
    expect(new Set(answers.map(({ body }) => body.name)).size).toBe(1);
    expect(answers[0]!.body.startedFrom).toBe('warm');
  });

  it('that finds its name taken claims nothing', async () => {
    await untilReady(2);
    const name = uniqueName();
    const body = { name, template: 'chat' };
    await api.call('POST', '/v1/vms?wait=ready', { body });
    await untilReady(2);
    const { claimed } = await chatPool();
    expect((await api.call('POST', '/v1/vms', { body })).status).toBe(200);
    expect(await chatPool()).toMatchObject({ claimed });
  });

  it('that finds its name taken on another replica a moment ago claims nothing, and callers of one name at once claim one machine', async () => {
    await untilReady(2);
    // It learns of no VM by itself.
    const other = await startTestApi(scene.server, queue, { share: api, pollMs: 600_000 });
    try {
      const { claimed } = await chatPool();
      const body = { name: uniqueName(), template: 'chat' };
      expect((await api.call('POST', '/v1/vms', { body })).status).toBe(201);
      expect((await other.call('POST', '/v1/vms', { body })).status).toBe(200);
      const crowd = { name: uniqueName(), template: 'chat' };
      const answers = await Promise.all(
        [api, other, api, other, api, other].map(({ call }) => call('POST', '/v1/vms?wait=ready', { body: crowd })),
      );
      expect(new Set(answers.map((answer) => answer.body.machineId)).size).toBe(1);
      expect(answers[0]!.body.startedFrom).toBe('warm');
      await untilReady(2);
      expect(await chatPool()).toMatchObject({ claimed: claimed + 2 });
    } finally {
      await other.close();
    }
  });

  it('gets another machine in the next life of its name', async () => {
    const body = { name: uniqueName(), template: 'chat' };
    const machineIds: unknown[] = [];
    for (const life of [1, 2, 3]) {
      await untilReady(2);
      const vm = await api.call('POST', '/v1/vms?wait=ready', { body });
      expect([life, vm.status, vm.body.startedFrom]).toEqual([life, 201, 'warm']);
      machineIds.push(vm.body.machineId);
      await api.call('DELETE', `/v1/vms/${body.name}?wait=destroyed`);
    }
    expect(new Set(machineIds).size).toBe(3);
  });
});

describe('many at once', () => {
  it('200 claims get the 20 machines that wait, each one of them once, in a few updates, and the counts are right', async () => {
    const name = `pool-${randomUUID().slice(0, 8)}`;
    const pool = await sceneOf(scene.server, queue, name).configure({ warm: { min: 20, max: 20, ttlSeconds: 600 } });
    await pool.until({ ready: 20 }, 60_000);
    const replica = new PoolDirectory(scene.server.client, queue);
    const begun = performance.now();
    const claims = Array.from({ length: 200 }, () => replica.claim('default', name, { id: randomUUID(), version: 1 }));
    const machineIds = await Promise.all(claims);
    console.log(`200 claims took ${Math.round(performance.now() - begun)} ms`);
    const granted = machineIds.filter((machineId) => machineId !== null);
    expect([granted.length, new Set(granted).size]).toEqual([20, 20]);
    await pool.until({ ready: 20, inFlight: 0, claimed: 20, missed: 180 }, 60_000);
    await pool.handle.terminate('its machines are in memory');
  }, 150_000);

  it('12 creates get the 6 machines that wait, and the rest are made anew', async () => {
    await poolOfChat({ min: 6, max: 6, ttlSeconds: 600 });
    await untilReady(6);
    const { claimed, missed } = await chatPool();
    const before = machinesNow();
    const path = '/v1/vms?wait=ready&timeoutSeconds=120';
    const calls = Array.from({ length: 12 }, () => api.call('POST', path, { body: { template: 'chat' } }));
    const answers = await Promise.all(calls);
    expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(201));
    expect(new Set(answers.map(({ body }) => body.machineId)).size).toBe(12);
    const warm = answers.filter(({ body }) => body.startedFrom === 'warm');
    expect(warm.filter(({ body }) => before.has(body.machineId!))).toHaveLength(6);
    await untilReady(6);
    const after = await chatPool();
    expect(after.claimed + after.missed - claimed - missed).toBe(12);
  }, 150_000);
});
