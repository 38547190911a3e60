/** Creates without a name from a template with `reuse`, through the API. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTemplateActivities } from '../../../activities/control/template-activities.ts';
import { idempotencyKeyHash, requestHash } from '../../../api/vms/create/spec-hash.ts';
import { nameForKey } from '../../../api/vms/create/vm-names.ts';
import { vmWorkflowId } from '../../../domain/wire-names.ts';
import { drainSignal, takeBackUpdate, reportSignal } from '../../../workflows/messages.ts';
import {
  eventually,
  startTestApi,
  uniqueName,
  type ApiAnswer,
  type TestApi,
} from '../../../test-support/workflow/api-harness.ts';
import { runWorker } from '../../../test-support/workflow/vm-harness.ts';
import { temporalTemplates } from '../../../worker/temporal/temporal-templates.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';

let scene: ApiScene;
let api: TestApi;
let second: TestApi;
let stopTelling: () => Promise<void>;

beforeAll(async () => {
  scene = await startApiScene('api reuse');
  ({ api } = scene);
  const activities = createTemplateActivities(temporalTemplates(scene.server.client, scene.queue));
  stopTelling = await runWorker(scene.server, { taskQueue: scene.queue, activities });
  second = await startTestApi(scene.server, scene.queue, { share: api });
});
afterAll(async () => {
  await second.close();
  await stopTelling();
  await scene.stop();
});

const SPEC = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }] };
const PATH = '/v1/vms?wait=ready&timeoutSeconds=60';

async function put(reuse: string, spec: object = SPEC): Promise<string> {
  const template = uniqueName('arena');
  const { status, text } = await api.call('PUT', `/v1/templates/${template}`, { body: { spec, reuse } });
  expect(status, text).toBe(201);
  return template;
}

const create = (body: object, { key, on = api }: { key?: string; on?: TestApi } = {}): Promise<ApiAnswer> =>
  on.call('POST', PATH, { body, ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }) });

/** Says what the agent of the VM counts. */
async function use(vm: ApiAnswer['body'], connections: number, sequence = 2): Promise<void> {
  const handle = scene.server.client.workflow.getHandle(vm.workflowId);
  await handle.signal(reportSignal, { machineId: vm.machineId!, sequence, connections, sentAt: Date.now() });
}

/** A VM with a user in it that drains, and that the second replica knows to drain too. */
async function marked(body: object, key?: string): Promise<ApiAnswer['body']> {
  const made = await create(body, key === undefined ? {} : { key });
  expect(made.status, made.text).toBe(201);
  await use(made.body, 1);
  const drained = await api.call('POST', `/v1/vms/${made.body.name}/drain`);
  expect([drained.status, drained.body.state], drained.text).toEqual([200, 'draining']);
  return drained.body;
}

async function knownElsewhere({ name }: { name: string }): Promise<void> {
  await eventually(`${name} drains elsewhere`, async () => {
    const { vms } = (await second.call('GET', '/v1/vms?state=draining&pageSize=1000')).body;
    return vms.some((vm) => vm.name === name) || undefined;
  });
}

const stateOf = async (name: string): Promise<string> =>
  (await api.call('GET', `/v1/vms/${name}?fresh=true`)).body.state;

describe('a create without a name, of a template with reuse: shared', () => {
  it('gets a VM that drains, with its users still in it, which serves on', async () => {
    const template = await put('shared');
    const vm = await marked({ template });
    const given = await create({ template });
    expect(given.status, given.text).toBe(200);
    expect(given.headers.get('location')).toBe(`/v1/vms/${vm.name}`);
    expect(given.body).toMatchObject({
      ...{ name: vm.name, uid: vm.uid, machineId: vm.machineId },
      ...{ state: 'running', startedFrom: 'drained', connections: 1 },
    });
    expect(given.body).not.toHaveProperty('claim');
    expect(given.body).not.toHaveProperty('unnamed');
    const next = await create({ template });
    expect([next.status, next.body.startedFrom]).toEqual([201, 'new']);
    expect(next.body.name).not.toBe(vm.name);
  });

  it('gets one that a machine from a pool was before, and before one that waits', async () => {
    const template = uniqueName('arena');
    const body = { spec: SPEC, reuse: 'shared', warm: { min: 1, max: 1, ttlSeconds: 600 } };
    expect((await api.call('PUT', `/v1/templates/${template}`, { body })).status).toBe(201);
    const untilOneWaits = () =>
      eventually(
        'a machine that waits',
        async () => {
          const { text } = await api.call('GET', '/v1/pools');
          const { pools } = JSON.parse(text) as { pools: { template: string; ready: number }[] };
          return pools.some((pool) => pool.template === template && pool.ready === 1) || undefined;
        },
        60_000,
      );
    await untilOneWaits();
    const vm = await marked({ template });
    expect(vm.startedFrom).toBe('warm');
    await untilOneWaits();
    const orders = [await create({ template }), await create({ template })];
    expect(orders.map(({ body: { startedFrom } }) => startedFrom)).toEqual(['drained', 'warm']);
    expect(orders[0]!.body.name).toBe(vm.name);
  }, 150_000);

  it('never gets a VM whose name somebody chose', async () => {
    const template = await put('shared');
    const named = await marked({ template, name: uniqueName() });
    expect((await create({ template })).status).toBe(201);
    expect(await stateOf(named.name)).toBe('draining');
  });

  it('gets a new one where it says more than its template, or the VM that drains is of another version', async () => {
    const template = await put('shared');
    const vm = await marked({ template });
    for (const more of [{ env: { A: '1' } }, { cpus: 2 }, { labels: { a: 'b' } }, { secretEnv: { TOKEN: 'hush' } }]) {
      const made = await create({ template, ...more });
      expect(made.status, made.text).toBe(201);
    }
    const changed = await api.call('PUT', `/v1/templates/${template}`, {
      body: { spec: { ...SPEC, cpus: 2 }, reuse: 'shared' },
    });
    expect(changed.status).toBe(201);
    expect((await create({ template })).status).toBe(201);
    expect(await stateOf(vm.name)).toBe('draining');
  });

  it('gets no VM that was made with more than the template says', async () => {
    const template = await put('shared');
    for (const more of [{ env: { A: '1' } }, { secretEnv: { TOKEN: 'hush' } }]) await marked({ template, ...more });
    expect((await create({ template })).status).toBe(201);
  });

  it('gets no VM of another project', async () => {
    const body = { spec: SPEC, reuse: 'shared' };
    const template = uniqueName('arena');
    const key = api.keys.other;
    await api.call('PUT', `/v1/templates/${template}`, { body });
    await api.call('PUT', `/v1/templates/${template}`, { body, key });
    await marked({ template });
    const made = await api.call('POST', PATH, { body: { template }, key });
    expect([made.status, made.body.project], made.text).toEqual([201, 'other']);
  });

  it('of which 20 come at once, for 5 VMs that drain, gets one of them 5 times and none twice', async () => {
    const template = await put('shared');
    const drained = await Promise.all([1, 2, 3, 4, 5].map(() => marked({ template })));
    for (const vm of drained) await knownElsewhere(vm);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => create({ template }, { on: index % 2 ? api : second })),
    );
    const names = answers.map(({ body }) => body.name);
    expect(new Set(names).size).toBe(20);
    const given = answers.filter(({ body }) => body.startedFrom === 'drained');
    expect(given.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(given.map(({ body }) => body.name).sort()).toEqual(drained.map(({ name }) => name).sort());
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(15);
  }, 150_000);

  it('is made anew where the VM was taken a moment ago, and this replica has not heard of it', async () => {
    const template = await put('shared');
    const vm = await marked({ template });
    const args: [{ uid: string; claim: string }] = [{ uid: vm.uid, claim: 'somebody' }];
    const handle = scene.server.client.workflow.getHandle(vm.workflowId);
    await handle.executeUpdate(takeBackUpdate, { args });
    expect((await create({ template })).status).toBe(201);
    await expect(handle.executeUpdate(takeBackUpdate, { args })).resolves.toMatchObject({ state: 'running' });
  });
});

const STOPS = { ...SPEC, idle: { action: 'stop' } };

/** A VM that is stopped, and that both replicas know to be. */
async function stopped(body: object): Promise<ApiAnswer['body']> {
  const made = await create(body);
  expect([made.status, made.body.startedFrom], made.text).toEqual([201, 'new']);
  expect((await api.call('POST', `/v1/vms/${made.body.name}/stop`)).status).toBe(200);
  for (const on of [api, second]) {
    await eventually(
      `${made.body.name} is stopped`,
      async () => {
        const { vms } = (await on.call('GET', '/v1/vms?state=stopped&pageSize=1000')).body;
        return vms.some(({ name }) => name === made.body.name) || undefined;
      },
      60_000,
    );
  }
  return made.body;
}

const resetsOf = ({ machineId }: { machineId?: string }): string[] =>
  scene.park.calls
    .filter((call) => call.machineId === machineId)
    .map(({ name }) => name)
    .filter((name) => name === 'resetMachine');

describe.each(['empty', 'shared'])(
  'a create without a name, of a template with reuse: %s, for a VM that is stopped',
  (reuse) => {
    it('gets it reset, before a new one and after one that waits', async () => {
      const template = uniqueName('arena');
      const warm = { min: 1, max: 1, ttlSeconds: 600 };
      const path = `/v1/templates/${template}`;
      // A paused pool has nothing that waits.
      const paused = { spec: STOPS, reuse, warm: { ...warm, paused: true } };
      expect((await api.call('PUT', path, { body: paused })).status).toBe(201);
      const vm = await stopped({ template });
      const given = await create({ template });
      expect(given.status, given.text).toBe(200);
      expect(given.body).toMatchObject({
        ...{ name: vm.name, uid: vm.uid, machineId: vm.machineId },
        ...{ state: 'running', startedFrom: 'stopped', connections: 0 },
      });
      expect(resetsOf(vm)).toHaveLength(1);
      expect((await create({ template })).body.startedFrom).toBe('new');
    }, 120_000);

    it('never gets one whose name somebody chose, nor one that had secrets; and a wake by name resets nothing', async () => {
      const template = await put(reuse, STOPS);
      const named = await stopped({ template, name: uniqueName() });
      const secret = await stopped({ template, secretEnv: { TOKEN: 'hush' } });
      expect((await create({ template })).status).toBe(201);
      for (const { name } of [named, secret]) expect(await stateOf(name)).toBe('stopped');
      const woken = await create({ template, name: named.name });
      expect([woken.status, woken.body.startedFrom], woken.text).toEqual([200, 'stopped']);
      expect(resetsOf(named)).toEqual([]);
    }, 120_000);

    it('gets each of 3 once, of 8 that come at once', async () => {
      const template = await put(reuse, STOPS);
      const stopping = await Promise.all([1, 2, 3].map(() => stopped({ template })));
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, index) => create({ template }, { on: index % 2 ? api : second })),
      );
      expect(new Set(answers.map(({ body }) => body.name)).size).toBe(8);
      const given = answers.filter(({ body }) => body.startedFrom === 'stopped');
      expect(given.map(({ body }) => body.name).sort()).toEqual(stopping.map(({ name }) => name).sort());
      for (const vm of stopping) expect(resetsOf(vm)).toHaveLength(1);
    }, 150_000);

    it('gets it again with the same Idempotency-Key, while it starts too', async () => {
      const template = await put(reuse, STOPS);
      const vm = await stopped({ template });
      const key = randomUUID();
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, index) => create({ template }, { key, on: index % 2 ? api : second })),
      );
      for (const { status, body, text } of answers)
        expect([status, body.uid, body.state], text).toEqual([200, vm.uid, 'running']);
      expect(resetsOf(vm)).toHaveLength(1);
    }, 120_000);

    it('gets it though the answers of its reset and of its start were lost: it is reset before it starts alone', async () => {
      const template = await put(reuse, STOPS);
      const vm = await stopped({ template });
      for (const name of ['resetMachine', 'startMachine'] as const) scene.park.faults.push({ name, kind: 'loseReply' });
      const given = await create({ template });
      expect([given.status, given.body.uid, given.body.state], given.text).toEqual([200, vm.uid, 'running']);
      const calls = scene.park.calls.filter(({ machineId }) => machineId === vm.machineId).map(({ name }) => name);
      expect(calls.slice(calls.indexOf('stopMachine') + 1)).toEqual([
        ...['resetMachine', 'resetMachine', 'startMachine', 'startMachine', 'awaitMachineReady'],
      ]);
    }, 120_000);

    it('is told when it does not start, and the VM ends, for nobody wants what is in it', async () => {
      const template = await put(reuse, STOPS);
      const vm = await stopped({ template });
      scene.park.faults.push({ name: 'resetMachine', kind: 'failForGood' });
      const failed = await create({ template });
      expect([failed.status, failed.body.code, failed.body.vm?.name], failed.text).toEqual([
        409,
        'endedBeforeReady',
        vm.name,
      ]);
      expect((await create({ template })).status).toBe(201);
    }, 120_000);
  },
);

describe('a create without a name, of a template with reuse: empty, for a VM that drains', () => {
  it('gets it without its past when nobody is in it, and a new one while somebody is', async () => {
    const template = await put('empty');
    const vm = await marked({ template });
    expect((await create({ template })).status).toBe(201);
    expect(await stateOf(vm.name)).toBe('draining');
    // Else it ends at once, as a drain has it.
    await api.call('POST', `/v1/vms/${vm.name}/hold`, { body: { seconds: 600 } });
    await use(vm, 0, 3);
    await eventually('nobody is in it', async () => {
      const { body } = await api.call('GET', `/v1/vms/${vm.name}?fresh=true`);
      return body.connections === 0 || undefined;
    });
    const given = await create({ template });
    expect([given.status, given.body.uid, given.body.state], given.text).toEqual([200, vm.uid, 'running']);
    expect(given.body).toMatchObject({ startedFrom: 'drained', machineId: vm.machineId, connections: 0 });
    expect(resetsOf(vm)).toHaveLength(1);
  }, 120_000);
});

describe('a create without a name, of a template with reuse: none', () => {
  it('gets a new VM, whatever drains or is stopped', async () => {
    const template = await put('none', STOPS);
    const [vm, asleep] = [await marked({ template }), await stopped({ template })];
    expect((await create({ template })).status).toBe(201);
    expect([await stateOf(vm.name), await stateOf(asleep.name)]).toEqual(['draining', 'stopped']);
    const silent = uniqueName('arena');
    const { body } = await api.call('PUT', `/v1/templates/${silent}`, { body: { spec: SPEC } });
    expect(body).toMatchObject({ reuse: 'none' });
  });
});

describe('an Idempotency-Key that got a VM which drained', () => {
  it('gets it again, from any replica and also when the API was restarted, and no other VM', async () => {
    const template = await put('shared');
    const vm = await marked({ template });
    const key = randomUUID();
    const first = await create({ template }, { key });
    expect([first.status, first.body.name], first.text).toEqual([200, vm.name]);
    const third = await startTestApi(scene.server, scene.queue, { share: api });
    try {
      for (const on of [api, second, third]) {
        const again = await create({ template }, { key, on });
        expect([again.status, again.body.uid], again.text).toEqual([200, vm.uid]);
      }
    } finally {
      await third.close();
    }
    const other = await create({ template, cpus: 2 }, { key });
    expect([other.status, other.body.code]).toEqual([409, 'idempotencyConflict']);
  });

  it('gets it again when it has ended, or drains again, and though its template forbids it by then', async () => {
    const template = await put('shared');
    const vm = await marked({ template });
    const key = randomUUID();
    expect((await create({ template }, { key })).body.name).toBe(vm.name);
    await api.call('POST', `/v1/vms/${vm.name}/drain`);
    const drains = await create({ template }, { key });
    expect([drains.status, drains.body.uid, drains.body.state]).toEqual([200, vm.uid, 'draining']);
    await api.call('PUT', `/v1/templates/${template}`, { body: { spec: SPEC, reuse: 'none' } });
    await api.call('DELETE', `/v1/vms/${vm.name}?wait=destroyed`);
    for (const on of [api, second]) {
      const ended = await on.call('POST', '/v1/vms', { body: { template }, headers: { 'idempotency-key': key } });
      expect([ended.status, ended.body.uid, ended.body.state], ended.text).toEqual([200, vm.uid, 'destroyed']);
    }
  });

  it('gets one VM, however many requests come with it at once', async () => {
    const template = await put('shared');
    const drained = await Promise.all([1, 2, 3].map(() => marked({ template })));
    for (const vm of drained) await knownElsewhere(vm);
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => create({ template }, { key, on: index % 2 ? api : second })),
    );
    expect(answers.map(({ status }) => status).filter((status) => status > 201)).toEqual([]);
    expect(new Set(answers.map(({ body }) => body.uid)).size).toBe(1);
    const { uid } = answers[0]!.body;
    await eventually(
      'the others drain as they did',
      async () => {
        const states = await Promise.all(drained.map(async (vm) => (vm.uid === uid ? 'given' : stateOf(vm.name))));
        return states.filter((state) => state === 'draining').length === 2 || undefined;
      },
      60_000,
    );
  }, 150_000);

  it('is shown no VM of another project, whatever a note that somebody wrote in Temporal says', async () => {
    const template = await put('shared');
    const secretly = await api.call('POST', PATH, { body: { template: 'chat' }, key: api.keys.other });
    const { workflowId, runId, uid } = secretly.body;
    const key = randomUUID();
    await scene.server.client.workflow.start('given', {
      workflowId: vmWorkflowId('default', nameForKey(idempotencyKeyHash('default', key))),
      taskQueue: scene.queue,
      memo: { given: { workflowId, runId, uid, specHash: 'x', requestHash: requestHash({ template }, null) } },
    });
    const answer = await create({ template }, { key });
    expect([answer.status, answer.body.code], answer.text).toEqual([409, 'idempotencyConflict']);
    expect(answer.text).not.toContain(secretly.body.name);
  });

  it('gets the VM that it was given though the API died before it could write that down', async () => {
    const template = await put('shared');
    const vm = await marked({ template });
    const key = randomUUID();
    const handle = scene.server.client.workflow.getHandle(vm.workflowId);
    const claim = idempotencyKeyHash('default', key);
    await handle.executeUpdate(takeBackUpdate, { args: [{ uid: vm.uid, claim }] });
    await eventually('the replica knows', async () => {
      const { vms } = (await second.call('GET', '/v1/vms?state=running&pageSize=1000')).body;
      return vms.some(({ uid, startedFrom }) => uid === vm.uid && startedFrom === 'drained') || undefined;
    });
    const again = await create({ template }, { key, on: second });
    expect([again.status, again.body.uid], again.text).toEqual([200, vm.uid]);
    const other = await create({ template, cpus: 2 }, { key, on: second });
    expect([other.status, other.body.code]).toEqual([409, 'idempotencyConflict']);
  });

  it.each([
    ['was given', 2],
    ['was made for it', 1],
  ])('gets the one that %s, though a request that lost to another had taken one', async (_, marks) => {
    const template = await put('shared');
    const drained = await Promise.all(Array.from({ length: marks }, () => marked({ template })));
    const key = randomUUID();
    const claim = idempotencyKeyHash('default', key);
    if (marks === 1) await api.call('POST', `/v1/vms/${drained[0]!.name}/undrain`);
    const first = await create({ template }, { key });
    expect(first.body.startedFrom, first.text).toBe(marks === 1 ? 'new' : 'drained');
    const other = drained.find(({ uid }) => uid !== first.body.uid)!;
    // As a replica that knew it to drain, and gives it back when it finds the key answered.
    const handle = scene.server.client.workflow.getHandle(other.workflowId);
    if (marks === 1) await handle.signal(drainSignal, { uid: other.uid });
    await handle.executeUpdate(takeBackUpdate, { args: [{ uid: other.uid, claim }] });
    await handle.signal(drainSignal, { uid: other.uid });
    for (const on of [api, second]) {
      await eventually('it drains again', async () => {
        const { vms } = (await on.call('GET', '/v1/vms?state=draining&pageSize=1000')).body;
        return vms.some(({ uid, startedFrom }) => uid === other.uid && startedFrom === 'drained') || undefined;
      });
      const again = await create({ template }, { key, on });
      expect([again.status, again.body.uid], again.text).toEqual([200, first.body.uid]);
    }
  });
});
