import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { vmListSchema, vmSchema, timelineSchema } from '../../../api/schemas/vm.ts';
import { vmWorkflowId } from '../../../domain/wire-names.ts';
import { eventually, startTestApi, uniqueName, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';

let scene: ApiScene;
let park: FakeMachines;
let api: TestApi;

beforeAll(async () => {
  scene = await startApiScene('api lifecycle');
  ({ park, api } = scene);
});
afterAll(() => scene.stop());

const chat = (name: string, more: object = {}) => ({ name, template: 'chat', ...more });

describe('creating', () => {
  it('answers 201 with a Location, then 200 for the same request, and 409 for another spec', async () => {
    const name = uniqueName();
    const first = await api.call('POST', '/v1/vms', { body: chat(name) });
    expect(first.status).toBe(201);
    expect(first.headers.get('location')).toBe(`/v1/vms/${name}`);
    expect(vmSchema.strict().parse(first.body)).toMatchObject({ name, project: 'default', state: 'creating' });
    const again = await api.call('POST', '/v1/vms', { body: chat(name) });
    expect(again.status).toBe(200);
    expect(again.body.uid).toBe(first.body.uid);
    const other = await api.call('POST', '/v1/vms', { body: chat(name, { cpus: 2 }) });
    expect([other.status, other.body.code]).toEqual([409, 'specConflict']);
  });

  it('waits until the VM is ready and says where it is', async () => {
    const name = uniqueName();
    const made = await api.call('POST', '/v1/vms?wait=ready&timeoutSeconds=20', { body: chat(name) });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ state: 'running', address: { ip: '127.64.1.1' }, health: 'ok' });
    expect(made.body.temporalUiUrl).toContain(encodeURIComponent(vmWorkflowId('default', name)));
    const again = await api.call('POST', '/v1/vms?wait=ready', { body: chat(name) });
    expect([again.status, again.body.state]).toEqual([200, 'running']);
  });

  it('shows no VM of another deployment in the namespace, ends none, and says that its name is taken', async () => {
    const name = uniqueName();
    await api.call('POST', '/v1/vms?wait=ready&timeoutSeconds=20', { body: chat(name) });
    const other = await startTestApi(scene.server, `${name}-control`);
    try {
      for (const [method, path] of [
        ['GET', `/v1/vms/${name}`],
        ['GET', `/v1/vms/${name}/console`],
        ['DELETE', `/v1/vms/${name}`],
        ['POST', `/v1/vms/${name}/drain`],
      ] as const) {
        const { status, body } = await other.call(method, path);
        expect([method, path, status, body.code]).toEqual([method, path, 404, 'unknownVm']);
      }
      const taken = await other.call('POST', '/v1/vms', { body: chat(name) });
      expect([taken.status, taken.body.code]).toEqual([409, 'nameTaken']);
    } finally {
      await other.close();
    }
    expect((await api.call('GET', `/v1/vms/${name}?fresh=true`)).body.state).toBe('running');
  });

  it('makes up a name that people can read out', async () => {
    const made = await api.call('POST', '/v1/vms', { body: { template: 'chat' } });
    expect(made.status).toBe(201);
    expect(made.body.name).toMatch(/^[a-z]+-[a-z]+-[a-z0-9]{5}$/);
  });

  it('gives 50 concurrent creates of one name one VM and one machine', async () => {
    const name = uniqueName();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => api.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { body: chat(name) })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(49);
    expect(new Set(answers.map(({ body }) => body.machineId)).size).toBe(1);
    const [first] = answers;
    const creates = park.calls.filter(
      ({ name: call, machineId }) => call === 'createMachine' && machineId === first?.body.machineId,
    );
    expect(creates).toHaveLength(1);
  });

  it('says why a VM ended before it was ready', async () => {
    park.faults.push({ name: 'createMachine', kind: 'failForGood' });
    const made = await api.call('POST', '/v1/vms?wait=ready&timeoutSeconds=20', { body: chat(uniqueName()) });
    expect([made.status, made.body.code]).toEqual([409, 'endedBeforeReady']);
    expect(made.body.vm).toMatchObject({ reason: 'createFailed' });
  });

  it('frees the name after the end: the next create is a new life', async () => {
    const name = uniqueName();
    const first = await api.call('POST', '/v1/vms?wait=ready', { body: chat(name) });
    expect((await api.call('DELETE', `/v1/vms/${name}?wait=destroyed`)).status).toBe(200);
    const second = await api.call('POST', '/v1/vms', { body: chat(name, { cpus: 2 }) });
    expect(second.status).toBe(201);
    expect(second.body.uid).not.toBe(first.body.uid);
  });
});

describe('an Idempotency-Key', () => {
  const headers = () => ({ 'idempotency-key': uniqueName('key') });

  it('makes an unnamed create repeatable, even after the VM has ended', async () => {
    const key = headers();
    const first = await api.call('POST', '/v1/vms', { body: { template: 'chat' }, headers: key });
    expect(first.status).toBe(201);
    const again = await api.call('POST', '/v1/vms', { body: { template: 'chat' }, headers: key });
    expect([again.status, again.body.uid]).toEqual([200, first.body.uid]);
    await api.call('DELETE', `/v1/vms/${first.body.name}?wait=destroyed`);
    const late = await api.call('POST', '/v1/vms', { body: { template: 'chat' }, headers: key });
    expect([late.status, late.body.uid, late.body.state]).toEqual([200, first.body.uid, 'destroyed']);
  });

  it('makes a named create repeatable after the VM has ended, while a create without it is a new life', async () => {
    const key = headers();
    const name = uniqueName();
    const first = await api.call('POST', '/v1/vms', { body: chat(name), headers: key });
    await api.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
    const late = await api.call('POST', '/v1/vms', { body: chat(name), headers: key });
    expect([late.status, late.body.uid]).toEqual([200, first.body.uid]);
    expect((await api.call('POST', '/v1/vms', { body: chat(name) })).status).toBe(201);
  });

  it('is refused with another body', async () => {
    for (const body of [{ template: 'chat' }, chat(uniqueName())]) {
      const key = headers();
      await api.call('POST', '/v1/vms', { body, headers: key });
      const other = await api.call('POST', '/v1/vms', { body: { ...body, cpus: 3 }, headers: key });
      expect([other.status, other.body.code]).toEqual([409, 'idempotencyConflict']);
    }
  });

  it('of another project is another key', async () => {
    const key = headers();
    const ours = await api.call('POST', '/v1/vms', { body: { template: 'chat' }, headers: key });
    const theirs = await api.call('POST', '/v1/vms', {
      body: { template: 'chat' },
      headers: key,
      key: api.keys.other,
    });
    expect(theirs.status).toBe(201);
    expect(theirs.body.name).not.toBe(ours.body.name);
  });
});

describe('a VM', () => {
  it('is drained, undrained and held, each answered with the view that follows', async () => {
    const name = uniqueName();
    await api.call('POST', '/v1/vms?wait=ready', { body: chat(name) });
    const held = await api.call('POST', `/v1/vms/${name}/hold`, { body: { seconds: 600 } });
    expect([held.status, held.body.aliveBecause]).toEqual([200, 'hold']);
    const draining = await api.call('POST', `/v1/vms/${name}/drain`);
    expect([draining.status, draining.body.state]).toEqual([200, 'draining']);
    const running = await api.call('POST', `/v1/vms/${name}/undrain`);
    expect([running.status, running.body.state]).toEqual([200, 'running']);
    expect((await api.call('DELETE', `/v1/vms/${name}?wait=destroyed`)).body.state).toBe('destroyed');
    const late = await api.call('POST', `/v1/vms/${name}/hold`, { body: { seconds: 1 } });
    expect([late.status, late.body.code]).toEqual([409, 'actionNotAllowed']);
  });

  it('is destroyed twice without harm, and its story stays readable', async () => {
    const name = uniqueName();
    await api.call('POST', '/v1/vms?wait=ready', { body: chat(name) });
    const accepted = await api.call('DELETE', `/v1/vms/${name}`);
    expect(accepted.status).toBe(202);
    const gone = await api.call('DELETE', `/v1/vms/${name}?wait=destroyed&timeoutSeconds=20`);
    expect([gone.status, gone.body.state, gone.body.reason]).toEqual([200, 'destroyed', 'requested']);
    expect((await api.call('DELETE', `/v1/vms/${name}`)).status).toBe(200);
    const timeline = await api.call('GET', `/v1/vms/${name}/timeline`);
    expect(timelineSchema.parse(timeline.body).events.map(({ state }) => state)).toEqual([
      'creating',
      'booting',
      'running',
      'destroying',
      'destroyed',
    ]);
    const console_ = await api.call('GET', `/v1/vms/${name}/console`);
    expect([console_.status, console_.body.code]).toEqual([404, 'consoleUnavailable']);
  });

  it('whose workflow was terminated is shown as failed, never as running', async () => {
    const name = uniqueName();
    const made = await api.call('POST', '/v1/vms?wait=ready', { body: chat(name) });
    await scene.server.client.workflow.getHandle(made.body.workflowId).terminate('test');
    const shown = await api.call('GET', `/v1/vms/${name}`);
    expect(shown.body).toMatchObject({ state: 'failed', aliveBecause: null });
    expect(shown.body.detail).toContain('terminated');
    await eventually('the terminated VM among the failed ones', async () => {
      const { body } = await api.call('GET', '/v1/vms?state=failed&pageSize=1000');
      return body.vms.find((vm) => vm.name === name);
    });
    const live = await api.call('GET', '/v1/vms?pageSize=1000');
    expect(live.body.vms.map((vm) => vm.name)).not.toContain(name);
  });

  it('of another project is neither seen nor touched', async () => {
    const name = uniqueName();
    await api.call('POST', '/v1/vms', { body: chat(name) });
    const key = api.keys.other;
    for (const [method, path, body] of [
      ['GET', `/v1/vms/${name}`, undefined],
      ['DELETE', `/v1/vms/${name}`, undefined],
      ['POST', `/v1/vms/${name}/drain`, undefined],
      ['POST', `/v1/vms/${name}/hold`, { seconds: 1 }],
      ['GET', `/v1/vms/${name}/timeline`, undefined],
      ['GET', `/v1/vms/${name}/console`, undefined],
    ] as const) {
      const answer = await api.call(method, path, { key, body });
      expect([method, path, answer.status, answer.body.code]).toEqual([method, path, 404, 'unknownVm']);
    }
    const listed = await api.call('GET', '/v1/vms?pageSize=1000', { key });
    expect(listed.body.vms.map((vm) => vm.name)).not.toContain(name);
  });
});

describe('the list', () => {
  it('shows a VM at once on the replica that made it, and soon on another', async () => {
    const second = await startTestApi(scene.server, api.settings.temporal.controlTaskQueue, { share: api });
    try {
      const name = uniqueName();
      await api.call('POST', '/v1/vms', { body: chat(name, { labels: { test: name } }) });
      const here = await api.call('GET', `/v1/vms?label=test=${name}`);
      expect(vmListSchema.parse(here.body).vms.map((vm) => vm.name)).toEqual([name]);
      await eventually('the VM running on the other replica', async () => {
        const { body } = await second.call('GET', `/v1/vms?label=test=${name}&state=running&template=chat`);
        return body.vms[0];
      });
    } finally {
      await second.close();
    }
  });

  it('pages through all VMs, each once, also while new ones come', async () => {
    const label = uniqueName();
    for (let index = 0; index < 7; index += 1) {
      await api.call('POST', '/v1/vms', { body: { template: 'chat', labels: { set: label } } });
    }
    const seen: string[] = [];
    let token: string | undefined;
    do {
      const page = await api.call('GET', `/v1/vms?label=set=${label}&pageSize=3${token ? `&pageToken=${token}` : ''}`);
      seen.push(...page.body.vms.map((vm) => vm.name));
      token = page.body.nextPageToken;
    } while (token !== undefined);
    expect(seen).toHaveLength(7);
    expect(new Set(seen).size).toBe(7);
  });

  it('asks the workflows themselves when it must be fresh', async () => {
    const name = uniqueName();
    await api.call('POST', '/v1/vms?wait=ready', { body: chat(name, { labels: { fresh: name } }) });
    await scene.server.client.workflow.getHandle(vmWorkflowId('default', name)).signal('connections', 3);
    const { body } = await api.call('GET', `/v1/vms?label=fresh=${name}&fresh=true`);
    expect(body.vms[0]).toMatchObject({ name, connections: 3, aliveBecause: 'connections' });
    expect((await api.call('GET', `/v1/vms/${name}?fresh=true`)).body.connections).toBe(3);
  });
});
