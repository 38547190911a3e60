/** A template changes while its VMs are used and creates come, with a bad version in between. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPoolActivities } from '../../../activities/control/pool-activities.ts';
import { createTemplateActivities } from '../../../activities/control/template-activities.ts';
import type { ApiVm } from '../../../api/schemas/vm.ts';
import type { PoolView } from '../../../domain/pool/view.ts';
import { poolWorkflowId } from '../../../domain/wire-names.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { uniqueName, type ApiAnswer } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import { comeAndGo, setUsers } from '../../../test-support/workflow/usage-scene.ts';
import { runWorker } from '../../../test-support/workflow/vm-harness.ts';
import { temporalTemplates } from '../../../worker/temporal/temporal-templates.ts';
import { poolViewQuery } from '../../../workflows/messages.ts';

/** No machine can be made of a spec with so many. */
const BAD_CPUS = 3;
const WAITING = 3;
const BUSY = 4;
const IDLE = 4;
const EVERY_MS = 400;

let scene: ApiScene;
let stopTelling: () => Promise<void>;
beforeAll(async () => {
  scene = await startApiScene('a template under load');
  scene.park.refuses = ({ cpus }) => cpus === BAD_CPUS;
  const activities = {
    ...createTemplateActivities(temporalTemplates(scene.server.client, scene.queue)),
    ...createPoolActivities(() => Promise.resolve([])),
  };
  stopTelling = await runWorker(scene.server, { taskQueue: scene.queue, activities });
});
afterAll(async () => {
  await stopTelling();
  await scene.stop();
});

const name = uniqueName('arena');
const users = () => ({ client: scene.server.client, park: scene.park });

async function put(cpus: number): Promise<void> {
  const spec = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }], cpus, idle: { timeoutSeconds: 600 } };
  const body = { spec, warm: { min: WAITING, max: 2 * WAITING, ttlSeconds: 600 }, rollIdle: true };
  expect((await scene.api.call('PUT', `/v1/templates/${name}`, { body })).status).toBe(201);
}

const create = (): Promise<ApiAnswer> =>
  scene.api.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { body: { template: name } });

async function created(count: number): Promise<ApiVm[]> {
  const answers = await Promise.all(Array.from({ length: count }, create));
  expect(answers.map(({ status, body }) => [status, body.state])).toEqual(answers.map(() => [201, 'running']));
  return answers.map(({ body }) => body);
}

const see = async (vm: ApiVm): Promise<ApiVm> => (await scene.api.call('GET', `/v1/vms/${vm.name}?fresh=true`)).body;
const seeAll = (vms: readonly ApiVm[]): Promise<ApiVm[]> => Promise.all(vms.map(see));

/** What it was told of versions of its template. */
async function newsOf(vm: ApiVm): Promise<(string | undefined)[]> {
  const { body } = await scene.api.call('GET', `/v1/vms/${vm.name}/timeline`);
  return body.events.filter(({ kind }) => kind === 'version').map(({ detail }) => detail);
}

function pool(): Promise<PoolView> {
  const { workflow } = scene.server.client;
  return workflow.getHandle(poolWorkflowId('default', name, scene.queue)).query(poolViewQuery);
}

async function untilPool(wanted: Partial<PoolView>): Promise<void> {
  await eventually(async () => expect(await pool()).toMatchObject(wanted), 60_000);
}

/** Machines that no VM has. */
async function machinesThatWait(): Promise<string[]> {
  const { body } = await scene.api.call('GET', '/v1/vms?fresh=true&pageSize=500');
  const taken = new Set(body.vms.map(({ machineId }) => machineId));
  return [...scene.park.machines.keys()].filter((machineId) => !taken.has(machineId));
}

/** Creates come without a break until they are stopped. */
function underLoad(): { stop: () => Promise<ApiAnswer[]>; settled: () => ApiAnswer[] } {
  const calls: Promise<ApiAnswer>[] = [];
  const settled: ApiAnswer[] = [];
  const load = setInterval(() => {
    const call = create();
    calls.push(call);
    void call.then((answer) => settled.push(answer));
  }, EVERY_MS);
  return {
    settled: () => settled,
    stop: () => {
      clearInterval(load);
      return Promise.all(calls);
    },
  };
}

it('a change under load touches no VM in use, replaces all that waits, has idle VMs make room, and is held back while it is bad', async () => {
  await put(1);
  await untilPool({ version: 1, ready: WAITING });
  const busy = await created(BUSY);
  const idle = await created(IDLE);
  for (const vm of busy) await setUsers(users(), vm, 1);
  for (const vm of idle) await comeAndGo(users(), vm);
  // Claims of the last minute have more of them wait.
  await eventually(async () => {
    const { ready, inFlight } = await pool();
    expect([ready >= WAITING, inFlight]).toEqual([true, 0]);
  });
  const callsBefore = scene.park.calls.length;
  const load = underLoad();
  let answers: ApiAnswer[] = [];
  try {
    // A version of which nothing can be made: it is held back by itself, and nobody made room for it.
    await put(BAD_CPUS);
    await eventually(async () => {
      const { body } = await scene.api.call('GET', `/v1/templates/${name}`);
      expect(body).toMatchObject({ servingVersion: 1, heldBack: { version: 2, failures: 3 } });
    }, 60_000);
    for (const vm of await seeAll([...busy, ...idle])) {
      expect(vm).toMatchObject({ state: 'running', template: { version: 1 } });
      expect(vm).not.toHaveProperty('newerVersion');
    }
    await untilPool({ version: 1 });
    const answered = load.settled().length;
    await eventually(() => {
      const later = load.settled().slice(answered);
      expect(later.filter(({ body }) => body.template?.version === 1).length).toBeGreaterThan(2);
    });
    const waiting = await machinesThatWait();
    expect(waiting.length).toBeGreaterThan(0);

    await put(2);
    await eventually(async () => {
      const still = await machinesThatWait();
      expect(still.filter((machineId) => waiting.includes(machineId))).toEqual([]);
    }, 60_000);
    await eventually(async () => {
      const seen = await seeAll([...busy, ...idle]);
      expect(seen.map(({ newerVersion }) => newerVersion)).toEqual(seen.map(() => 3));
    });
  } finally {
    answers = await load.stop();
  }
  const vms = answers.map(({ body }) => body.vm ?? body);
  const failed = vms.filter(({ state }) => state !== 'running');
  expect(failed.length).toBeGreaterThan(2);
  expect(failed.map((vm) => [vm.template?.version, vm.reason])).toEqual(failed.map(() => [2, 'createFailed']));
  const versions = vms.filter(({ state }) => state === 'running').map(({ template }) => template?.version);
  expect(new Set(versions)).toEqual(new Set([1, 3]));
  // Once the good one is there, no create gets another.
  expect((await created(3)).map(({ template }) => template?.version)).toEqual([3, 3, 3]);

  await eventually(async () => {
    const seen = await seeAll(idle);
    expect(seen.map(({ state, reason }) => [state, reason])).toEqual(idle.map(() => ['destroyed', 'idle']));
  }, 60_000);
  const now = await seeAll(busy);
  expect(now).toMatchObject(
    busy.map(({ machineId }) => ({ machineId, state: 'running', connections: 1, aliveBecause: 'connections' })),
  );
  // None of them ever heard of the bad one.
  const detail = expect.stringContaining(`version 3 of the template ${name} serves`) as string;
  expect(await Promise.all([...busy, ...idle].map(newsOf))).toEqual([...busy, ...idle].map(() => [detail]));
  const machines = new Set(busy.map(({ machineId }) => machineId));
  expect(scene.park.calls.slice(callsBefore).filter(({ machineId }) => machines.has(machineId))).toEqual([]);
  await untilPool({ version: 3, inFlight: 0 });
  const later = await create();
  expect(later.body).toMatchObject({ startedFrom: 'warm', template: { version: 3 } });
}, 240_000);
