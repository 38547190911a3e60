import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { templateListSchema, templateSchema } from '../../../api/schemas/template.ts';
import { refuseReuse } from '../../../api/templates/template-routes.ts';
import { templateWorkflowId, vmWorkflowId } from '../../../domain/wire-names.ts';
import { createEndedSignal } from '../../../workflows/messages.ts';
import { eventually, startTestApi, uniqueName, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';
import { startVmHarness, type VmHarness } from '../../../test-support/workflow/vm-harness.ts';

let harness: VmHarness;
let park: FakeMachines;
let queue: string;
let api: TestApi;
let second: TestApi;

beforeAll(async () => {
  harness = await startVmHarness();
  ({ park, queue } = await harness.park('api templates'));
  api = await startTestApi(harness.server, queue);
  second = await startTestApi(harness.server, queue, { share: api });
});
afterAll(async () => {
  await second.close();
  await api.close();
  await harness.stop();
});

const SPEC = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }] };
const put = (name: string, spec: object = SPEC, on = api) =>
  on.call('PUT', `/v1/templates/${name}`, { body: { spec } });
const get = (name: string, on = api) => on.call('GET', `/v1/templates/${name}`);
const create = (body: object, query = '', on = api) => on.call('POST', `/v1/vms${query}`, { body });
const newName = () => uniqueName('arena');

describe('PUT of a template', () => {
  it('makes version 1, the same content again none, and another one version 2', async () => {
    const name = newName();
    const first = await put(name);
    expect(first.status).toBe(201);
    expect(templateSchema.strict().parse(first.body)).toMatchObject({
      ...{ name, project: 'default', version: 1, servingVersion: 1, builtIn: false, spec: SPEC },
      versions: [{ version: 1, state: 'unproven', createdBy: 'operator' }],
    });
    const again = await put(name, { ports: SPEC.ports, image: SPEC.image });
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect((await put(name, { ...SPEC, cpus: 2 })).body).toMatchObject({ version: 2, spec: { cpus: 2 } });
    expect((await get(name)).body).toMatchObject({ version: 2 });
  });

  it('is refused at once for what no create could be made from, with every wrong field', async () => {
    const refused = async (code: string, spec: object): Promise<string> => {
      const { status, body } = await put(newName(), spec);
      expect([spec, status, body.code]).toEqual([spec, 400, code]);
      return body.detail ?? '';
    };
    expect(await refused('invalidRequest', { cpus: 1 })).toContain('body.spec.image: needed');
    await refused('unknownProvider', { ...SPEC, provider: 'gcp' });
    const detail = await refused('unsupportedOption', { ...SPEC, egress: true, spot: true });
    expect(detail).toContain('body.spec.egress: ');
    expect(detail).toContain('body.spec.spot: ');
    await refused('invalidRequest', { ...SPEC, readiness: { kind: 'http', port: 1 } });
    const reuse = await api.call('PUT', `/v1/templates/${newName()}`, { body: { spec: SPEC, reuse: 'sometimes' } });
    expect([reuse.status, reuse.body.code, reuse.body.fields?.[0]?.field]).toEqual([
      400,
      'invalidRequest',
      'body.reuse',
    ]);
    const moon = { name: 'moon', capabilities: { reset: false } };
    expect(() => refuseReuse('empty', moon)).toThrow('lacks the capability reset');
    expect(() => refuseReuse('shared', moon)).not.toThrow();
    const env = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`BIG_${index}`, 'x'.repeat(2000)]));
    expect(await refused('invalidRequest', { ...SPEC, env })).toContain('32768');
    const wrong = await put(newName(), { ...SPEC, cpus: 'two', memory: 1, idle: { timeoutSeconds: 0 } });
    expect(wrong.body.fields?.map(({ field }) => field).sort()).toEqual([
      ...['body.spec.cpus', 'body.spec.idle.timeoutSeconds', 'body.spec.memory'],
    ]);
  });

  it('keeps no secret: it says to send them with each create', async () => {
    const { status, body } = await put(newName(), { ...SPEC, secretEnv: { TOKEN: 'hush' }, startupScript: 'true' });
    expect([status, body.code]).toEqual([400, 'invalidRequest']);
    expect(body.detail).toContain('secretEnv and startupScript cannot be in a template');
    expect(body.detail).toContain('send it with each create');
    expect(JSON.stringify(body)).not.toContain('hush');
  });

  it('with ?dryRun=true answers the same and changes nothing', async () => {
    const name = newName();
    const dry = await api.call('PUT', `/v1/templates/${name}?dryRun=true`, { body: { spec: SPEC } });
    expect([dry.status, dry.body]).toMatchObject([201, { version: 1, servingVersion: 1, spec: SPEC }]);
    expect((await get(name)).status).toBe(404);
    await put(name);
    const query = '?dryRun=true';
    expect((await api.call('PUT', `/v1/templates/${name}${query}`, { body: { spec: SPEC } })).status).toBe(200);
    const other = await api.call('PUT', `/v1/templates/${name}${query}`, { body: { spec: { ...SPEC, cpus: 3 } } });
    expect([other.status, other.body]).toMatchObject([201, { version: 2, spec: { cpus: 3 } }]);
    expect((await get(name)).body).toMatchObject({ version: 1 });
  });

  it('of many callers at once gives each content one version', async () => {
    const name = newName();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => put(name, SPEC, index % 2 ? api : second)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(19).fill(200), 201]);
    expect((await get(name)).body).toMatchObject({ version: 1 });
  });
});

describe('a create of a template', () => {
  it('gets the new version right after the PUT on its replica, and on another one soon', async () => {
    const name = newName();
    await put(name, { ...SPEC, cpus: 2 });
    const [here, there] = [await create({ template: name }), await create({ template: name }, '', second)];
    for (const { status, body } of [here, there]) {
      expect([status, body]).toMatchObject([201, { template: { name, version: 1 }, spec: { cpus: 2 } }]);
    }
    await put(name, { ...SPEC, cpus: 4 });
    expect((await create({ template: name, cpus: 3 })).body).toMatchObject({
      ...{ template: { name, version: 2 }, spec: { cpus: 3 } },
    });
    const startedAt = Date.now();
    await eventually('the new version elsewhere', async () => {
      const { body } = await create({ template: name }, '', second);
      return body.template?.version === 2 ? true : undefined;
    });
    expect(Date.now() - startedAt).toBeLessThan(5000);
    await eventually('all of them in the list of the template', async () => {
      const { vms } = (await api.call('GET', `/v1/vms?template=${name}`)).body;
      return vms.length >= 4 && vms.every(({ template }) => template?.name === name) ? true : undefined;
    });
  });

  it('is answered with the VM that is there, also when the template has another version by then', async () => {
    const [name, vm] = [newName(), uniqueName()];
    await put(name);
    const body = { name: vm, template: name, labels: { team: 'red' } };
    const first = await create(body, '?wait=ready');
    expect(first.status).toBe(201);
    await put(name, { ...SPEC, cpus: 2 });
    const again = await create(body);
    expect([again.status, again.body]).toMatchObject([200, { uid: first.body.uid, template: { version: 1 } }]);
    expect((await create({ ...body, cpus: 7 })).body.code).toBe('specConflict');
  });

  it('is refused for a template that nobody put, with the names of those that there are', async () => {
    const name = newName();
    await put(name);
    const { status, body } = await create({ template: 'nope' });
    expect([status, body.code]).toEqual([400, 'unknownTemplate']);
    expect(body.detail).toContain(name);
    expect(body.detail).toContain('chat');
  });

  it('that names a version gets that one, also where another one serves, and a version that there is not is refused', async () => {
    const name = newName();
    for (const cpus of [1, 2, 3]) await put(name, { ...SPEC, cpus });
    for (const version of [2, 1, 3]) {
      const made = await create({ template: `${name}@${version}` });
      expect([made.status, made.body]).toMatchObject([201, { template: { name, version }, spec: { cpus: version } }]);
    }
    const none = await create({ template: `${name}@4` });
    expect([none.status, none.body.code]).toEqual([400, 'unknownTemplateVersion']);
    expect(none.body.detail).toContain(`The template ${name} has no version 4; there is: 1, 2, 3.`);
    expect((await create({ template: 'nope@1' })).body.code).toBe('unknownTemplate');
    expect((await create({ template: 'chat@1' })).body).toMatchObject({ template: { name: 'chat', version: 1 } });
    expect((await create({ template: 'chat@2' })).body.code).toBe('unknownTemplateVersion');
    for (const template of [`${name}@`, `${name}@0`, `${name}@01`, `${name}@1.0`, '@1']) {
      expect((await create({ template })).body.code, template).toBe('invalidRequest');
    }
    const vm = uniqueName();
    const first = await create({ name: vm, template: `${name}@1` });
    expect(first.status).toBe(201);
    expect((await create({ name: vm, template: `${name}@1` })).body.uid).toBe(first.body.uid);
    expect((await create({ name: vm, template: `${name}@2` })).body.code).toBe('specConflict');
    expect((await create({ name: vm, template: name })).body.code).toBe('specConflict');
  });

  it('by name alone, or with an empty body, is one of the default template', async () => {
    const name = uniqueName();
    expect((await create({ name })).body).toMatchObject({ name, template: { name: 'chat', version: 1 } });
    expect((await create({ name, template: 'chat' })).status).toBe(200);
    expect((await create({})).body).toMatchObject({ template: { name: 'chat', version: 1 } });
    const arena = newName();
    const other = await startTestApi(harness.server, queue, {
      share: api,
      change: (settings) => void (settings.defaultTemplate = arena),
    });
    try {
      expect((await create({}, '', other)).body.code).toBe('unknownTemplate');
      await put(arena);
      expect((await create({}, '', other)).body).toMatchObject({ template: { name: arena, version: 1 } });
    } finally {
      await other.close();
    }
  });
});

describe('a project', () => {
  it('has templates of its own, and sees none of another one', async () => {
    const name = newName();
    await put(name);
    const key = api.keys.other;
    expect((await api.call('GET', `/v1/templates/${name}`, { key })).body.code).toBe('templateNotFound');
    expect((await api.call('DELETE', `/v1/templates/${name}`, { key })).body.code).toBe('templateNotFound');
    expect((await api.call('POST', '/v1/vms', { key, body: { template: name } })).body.code).toBe('unknownTemplate');
    const { body } = await api.call('GET', '/v1/templates', { key });
    expect(body.templates?.map((one) => one.name)).toEqual(['chat']);
    const own = templateListSchema.parse((await api.call('GET', '/v1/templates')).body).templates;
    expect(own.map((one) => [one.name, one.builtIn])).toContainEqual([name, false]);
    expect(own.map((one) => [one.name, one.builtIn])).toContainEqual(['chat', true]);
  });
});

describe('DELETE of a template', () => {
  it('lets its VMs live, and the next one of the name goes on counting', async () => {
    const [name, vm] = [newName(), uniqueName()];
    await put(name);
    await create({ name: vm, template: name }, '?wait=ready');
    expect((await api.call('DELETE', `/v1/templates/${name}`)).status).toBe(200);
    expect((await get(name)).body.code).toBe('templateNotFound');
    expect((await create({ template: name })).body.code).toBe('unknownTemplate');
    expect((await api.call('GET', `/v1/vms/${vm}?fresh=true`)).body).toMatchObject({ state: 'running' });
    expect((await api.call('DELETE', `/v1/templates/${name}`)).body.code).toBe('templateNotFound');
    await eventually('the delete elsewhere', async () => ((await get(name, second)).status === 404 ? true : undefined));
    expect((await put(name)).body).toMatchObject({ version: 2 });
    await eventually('the new one elsewhere', async () =>
      (await get(name, second)).status === 200 ? true : undefined,
    );
  });

  it('is refused for a built-in one, whose place another one takes until that is deleted', async () => {
    const key = { key: api.keys.other };
    const chat = '/v1/templates/chat';
    expect((await api.call('DELETE', chat, key)).body.code).toBe('builtInTemplate');
    expect((await api.call('GET', chat, key)).body).toMatchObject({ builtIn: true, version: 1 });
    const body = { spec: { ...SPEC, cpus: 2 } };
    expect((await api.call('PUT', chat, { ...key, body })).body).toMatchObject({ builtIn: false, version: 2 });
    const made = await api.call('POST', '/v1/vms', { ...key, body: {} });
    expect(made.body).toMatchObject({ template: { name: 'chat', version: 2 }, spec: { cpus: 2 } });
    expect((await api.call('DELETE', chat, key)).status).toBe(200);
    const later = await api.call('POST', '/v1/vms', { ...key, body: {} });
    expect(later.body).toMatchObject({ template: { name: 'chat', version: 1 }, spec: { cpus: 1 } });
  });
});

describe('a bad version', () => {
  const failing = async (body: object) => {
    park.faults.push({ name: 'createMachine', kind: 'failForGood' });
    return create(body, '?wait=ready&timeoutSeconds=20');
  };

  it('is held back by itself after three failed creates; the last good one serves, and a PUT lifts it', async () => {
    const name = newName();
    await put(name);
    expect((await create({ template: name }, '?wait=ready')).status).toBe(201);
    await eventually('version 1 is good', async () =>
      (await get(name)).body.versions?.[0]?.state === 'good' ? true : undefined,
    );
    await put(name, { ...SPEC, cpus: 2 });
    for (let tries = 0; tries < 3; tries += 1) {
      expect((await failing({ template: name, env: { TRY: `${tries}` } })).body.code).toBe('endedBeforeReady');
    }
    const held = await eventually('it is held back', async () => {
      const { body } = await get(name);
      return body.heldBack === undefined ? undefined : body;
    });
    expect(templateSchema.strict().parse(held)).toMatchObject({
      ...{ version: 2, servingVersion: 1 },
      heldBack: { version: 2, failures: 3, reason: 'createFailed: injected failure for good' },
    });
    expect(held.heldBack?.todo).toContain('PUT it again');
    const insisting = await create({ template: `${name}@2` }, '?wait=ready');
    expect([insisting.status, insisting.body]).toMatchObject([201, { template: { version: 2 }, spec: { cpus: 2 } }]);
    await eventually('it is good after all', async () =>
      templateSchema.parse((await get(name)).body).servingVersion === 2 ? true : undefined,
    );
  });

  it('goes on being held back while creates of it that name it fail, and the last good one serves until it is put again', async () => {
    const name = newName();
    await put(name);
    expect((await create({ template: name }, '?wait=ready')).status).toBe(201);
    await eventually('version 1 is good', async () =>
      (await get(name)).body.versions?.[0]?.state === 'good' ? true : undefined,
    );
    await put(name, { ...SPEC, cpus: 2 });
    for (let tries = 0; tries < 4; tries += 1) {
      expect((await failing({ template: `${name}@2` })).body.code).toBe('endedBeforeReady');
    }
    await eventually('it is held back', async () => (await get(name)).body.heldBack);
    const served = await create({ template: name }, '?wait=ready');
    expect([served.status, served.body]).toMatchObject([201, { template: { version: 1 }, spec: { cpus: 1 } }]);
    expect((await put(name, { ...SPEC, cpus: 2 })).body).toMatchObject({ version: 2, servingVersion: 2 });
    expect((await create({ template: name }, '?wait=ready')).body).toMatchObject({ template: { version: 2 } });
    await eventually('version 2 is good', async () =>
      (await get(name)).body.versions?.[1]?.state === 'good' ? true : undefined,
    );
  });

  it('is none for creates that fail by what they override, and creates of a proven version tell it nothing', async () => {
    const [name, vm] = [newName(), uniqueName()];
    await put(name);
    for (let tries = 0; tries < 4; tries += 1) await failing({ template: name, cpus: 2 + tries });
    expect((await get(name)).body.versions).toMatchObject([{ version: 1, state: 'unproven' }]);
    const { client } = harness.server;
    await client.workflow
      .getHandle(templateWorkflowId('default', name, queue))
      .signal(createEndedSignal, { version: 1, outcome: { name: 'ready' } });
    await eventually('it is good', async () =>
      (await get(name)).body.versions?.[0]?.state === 'good' ? true : undefined,
    );
    await create({ name: vm, template: name }, '?wait=ready');
    const { events } = await client.workflow.getHandle(vmWorkflowId('default', vm)).fetchHistory();
    expect(JSON.stringify(events)).not.toContain('createEnded');
  });
});

describe('while no worker runs', () => {
  it('a PUT is kept and answered 202, and is done when one comes', async () => {
    const made = await harness.park('api templates without a worker');
    await made.stopWorkers();
    const alone = await startTestApi(harness.server, made.queue);
    try {
      const name = newName();
      const kept = await put(name, SPEC, alone);
      expect([kept.status, kept.body]).toEqual([202, { name, project: 'default' }]);
      const { historyLength } = await harness.server.client.workflow
        .getHandle(templateWorkflowId('default', name, made.queue))
        .describe();
      expect(historyLength).toBeGreaterThan(0);
    } finally {
      await alone.close();
    }
  }, 20_000);
});
