import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { vmSchema } from '../../../api/schemas/vm.ts';
import { refuseUnsupportedAction } from '../../../api/vms/power/refuse-action.ts';
import { descriptorOf } from '../../../providers/lookup.ts';
import { reportSignal } from '../../../workflows/messages.ts';
import { eventually, uniqueName, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';

let scene: ApiScene;
let park: FakeMachines;
let api: TestApi;
beforeAll(async () => {
  scene = await startApiScene('api stop and start');
  ({ park, api } = scene);
});
afterAll(() => scene.stop());

const chat = (name: string, more: object = {}) => ({ name, template: 'chat', ...more });

async function ready(name: string, more: object = {}): Promise<string> {
  const made = await api.call('POST', '/v1/vms?wait=ready', { body: chat(name, more) });
  expect(made.status, made.text).toBe(201);
  return made.body.machineId!;
}

async function stopped(name: string): Promise<void> {
  expect((await api.call('POST', `/v1/vms/${name}/stop`)).status).toBe(200);
  await eventually(`${name} stopped`, async () => {
    return (await api.call('GET', `/v1/vms/${name}`)).body.state === 'stopped' || undefined;
  });
}

describe('a VM', () => {
  it('is stopped, listed as such, and started again as the same machine', async () => {
    const name = uniqueName();
    const machineId = await ready(name);
    const stopping = await api.call('POST', `/v1/vms/${name}/stop`);
    expect(stopping.status, stopping.text).toBe(200);
    expect(vmSchema.strict().parse(stopping.body)).toMatchObject({ keeps: ['disk'], reason: 'requested' });
    await stopped(name);
    const { body } = await api.call('GET', '/v1/vms?state=stopped&pageSize=1000');
    expect(body.vms.find((vm) => vm.name === name)).toMatchObject({ machineId, nextDeadline: { kind: 'maxLifetime' } });
    const started = await api.call('POST', `/v1/vms/${name}/start?wait=ready`);
    expect(started.status, started.text).toBe(200);
    expect(started.body).toMatchObject({ state: 'running', machineId, startedFrom: 'stopped' });
    expect((await api.call('POST', `/v1/vms/${name}/start`)).status).toBe(200);
  });

  it('that is stopped is woken by a create of its name, however many come', async () => {
    const name = uniqueName();
    const machineId = await ready(name);
    for (let round = 0; round < 2; round += 1) {
      await stopped(name);
      const creates = Array.from({ length: 5 }, () => api.call('POST', '/v1/vms?wait=ready', { body: chat(name) }));
      for (const { status, body, text } of await Promise.all(creates)) {
        expect(status, text).toBe(200);
        expect(body).toMatchObject({ state: 'running', machineId, startedFrom: 'stopped' });
      }
    }
    const starts = park.calls.filter((call) => call.name === 'startMachine' && call.machineId === machineId);
    expect(starts).toHaveLength(2);
    const other = await api.call('POST', '/v1/vms', { body: chat(name, { cpus: 2 }) });
    expect([other.status, other.body.code]).toEqual([409, 'specConflict']);
  });

  it('is suspended with its memory, listed as such, and goes on by a resume or a create of its name', async () => {
    const name = uniqueName();
    const machineId = await ready(name);
    const seen = async (state: string) =>
      eventually(`${name} ${state}`, async () => {
        const { body } = await api.call('GET', `/v1/vms/${name}`);
        return body.state === state ? body : undefined;
      });
    for (const [method, path, body] of [
      ['POST', `/v1/vms/${name}/resume?wait=ready`, undefined],
      ['POST', '/v1/vms?wait=ready', chat(name)],
      ['POST', `/v1/vms/${name}/start?wait=ready`, undefined],
    ] as const) {
      const asked = await api.call('POST', `/v1/vms/${name}/suspend`);
      expect([asked.status, asked.body.state], asked.text).toEqual([200, 'suspending']);
      expect(vmSchema.strict().parse(await seen('suspended'))).toMatchObject({ machineId, keeps: ['disk', 'memory'] });
      const back = await api.call(method, path, body === undefined ? {} : { body });
      expect(back.status, back.text).toBe(200);
      expect(back.body).toMatchObject({ state: 'running', machineId, startedFrom: 'suspended' });
    }
    await stopped(name);
    const refused = await api.call('POST', `/v1/vms/${name}/resume`);
    expect([refused.status, refused.body.code]).toEqual([409, 'actionNotAllowed']);
  });

  it('that is stopped is the answer at once to a repeat of the very create that made it, which wakes nobody', async () => {
    const name = uniqueName();
    const create = () =>
      api.call('POST', '/v1/vms?wait=ready&timeoutSeconds=20', {
        body: chat(name),
        headers: { 'idempotency-key': name },
      });
    expect((await create()).status).toBe(201);
    await stopped(name);
    const { status, body, text } = await create();
    expect([status, body.state], text).toEqual([200, 'stopped']);
  });

  it('with users is stopped by force alone', async () => {
    const name = uniqueName();
    const machineId = await ready(name);
    const handle = scene.server.client.workflow.getHandle(`vm/default/${name}`);
    await handle.signal(reportSignal, { machineId, sequence: 2, connections: 1, sentAt: Date.now() });
    const refused = await api.call('POST', `/v1/vms/${name}/stop`);
    expect([refused.status, refused.body.code]).toEqual([409, 'vmInUse']);
    expect((await api.call('POST', `/v1/vms/${name}/stop?force=true`)).status).toBe(200);
  });

  it('whose start fails is stopped as before, and the answer says why', async () => {
    const name = uniqueName();
    await ready(name);
    await stopped(name);
    park.faults.push({ name: 'startMachine', kind: 'failForGood' });
    const failed = await api.call('POST', `/v1/vms/${name}/start?wait=ready`);
    expect([failed.status, failed.body.code]).toEqual([409, 'startFailed']);
    expect(failed.body.vm?.detail).toContain('injected failure for good');
    park.faults.push({ name: 'startMachine', kind: 'failForGood' });
    const create = await api.call('POST', '/v1/vms?wait=ready', { body: chat(name) });
    expect([create.status, create.body.code]).toEqual([409, 'startFailed']);
  });

  it('says why its stop does not come to an end, and is stopped as soon as it can be', async () => {
    const name = uniqueName();
    await ready(name);
    park.broken.add('stopMachine');
    expect((await api.call('POST', `/v1/vms/${name}/stop`)).body.state).toBe('stopping');
    await eventually(`${name} says why`, async () => {
      const { state, detail } = (await api.call('GET', `/v1/vms/${name}`)).body;
      return (state === 'stopping' && detail?.includes('injected failure for ever')) || undefined;
    });
    park.broken.delete('stopMachine');
    await eventually(`${name} stopped`, async () => {
      return (await api.call('GET', `/v1/vms/${name}`)).body.state === 'stopped' || undefined;
    });
  });

  it('that has ended is neither stopped nor started', async () => {
    const name = uniqueName();
    await ready(name);
    await api.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
    for (const action of ['stop', 'start']) {
      const { status, body } = await api.call('POST', `/v1/vms/${name}/${action}`);
      expect([status, body.code]).toEqual([409, 'actionNotAllowed']);
    }
  });

  it('is refused what its provider cannot do, by the name of the capability', () => {
    const moon = { name: 'moon', capabilities: { stop: false, suspend: false, close: false } };
    expect(() => refuseUnsupportedAction(moon, 'stop')).toThrow('lacks the capability stop');
    expect(() => refuseUnsupportedAction(moon, 'close')).toThrow('lacks the capability close');
    const { capabilities } = descriptorOf('qemu');
    for (const action of ['suspend', 'resume'] as const) {
      expect(() => refuseUnsupportedAction({ name: 'qemu', capabilities }, action)).toThrow(
        'lacks the capability suspend',
      );
    }
  });

  it('stays when it has no longest life and no idle action, and only then', async () => {
    const name = uniqueName();
    const refused = await api.call('POST', '/v1/vms', { body: chat(name, { maxLifetimeSeconds: null }) });
    expect([refused.status, refused.body.code]).toEqual([400, 'contradictoryTimeouts']);
    const spec = { maxLifetimeSeconds: null, idle: { action: 'none' } };
    const made = await api.call('POST', '/v1/vms?wait=ready', { body: chat(name, spec) });
    expect(made.status, made.text).toBe(201);
    expect(made.body).toMatchObject({ stays: true, aliveBecause: 'stays', spec: { maxLifetimeSeconds: null } });
    expect(made.body).not.toHaveProperty('nextDeadline');
    const viewer = await api.call('POST', '/v1/vms', { body: chat(uniqueName(), spec), key: api.keys.viewer });
    expect(viewer.status).toBe(403);
  });
});
