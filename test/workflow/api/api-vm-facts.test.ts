/** What people ask of a VM besides its life: who made it, what it is for, which ones there are, and counts from outside. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, uniqueName, type ApiAnswer, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';

let scene: ApiScene;
let park: FakeMachines;
let api: TestApi;

beforeAll(async () => {
  scene = await startApiScene('vm facts');
  ({ park, api } = scene);
});
afterAll(() => scene.stop());

const create = (name: string, more: object = {}, key = api.keys.operator): Promise<ApiAnswer> =>
  api.call('POST', '/v1/vms?wait=ready&timeoutSeconds=20', { key, body: { name, template: 'chat', ...more } });

const count = (name: string, connections: unknown, key = api.keys.operator): Promise<ApiAnswer> =>
  api.call('PUT', `/v1/vms/${name}/connections`, { key, body: { connections } });

describe('a VM', () => {
  it('says which key made it, from its create on', async () => {
    const name = uniqueName();
    const made = await create(name, {}, api.keys.admin);
    expect([made.status, made.body.createdBy]).toEqual([201, 'admin']);
    expect((await create(name)).body.createdBy).toBe('admin');
    expect((await api.call('GET', `/v1/vms/${name}?fresh=true`)).body.createdBy).toBe('admin');
    expect((await api.call('GET', `/v1/vms/${name}`)).body.createdBy).toBe('admin');
  });

  it('says what it is for, in words that are part of its spec', async () => {
    const name = uniqueName();
    const made = await create(name, { description: 'Raid of the Tuesday group' });
    expect(made.body.spec.description).toBe('Raid of the Tuesday group');
    expect((await create(name)).body.code).toBe('specConflict');
    const other = await create(uniqueName(), { description: '' });
    expect(other.body.spec).not.toHaveProperty('description');
    for (const description of ['x'.repeat(501), 'a\u0000b', 7]) {
      expect((await create(uniqueName(), { description })).body.code).toBe('invalidRequest');
    }
  });
});

describe('a list', () => {
  it('shows the VMs that are in use, of a provider, in a zone, on a host and of a key, and no others', async () => {
    const [used, empty] = [uniqueName('used'), uniqueName('empty')];
    const label = { batch: uniqueName() };
    await create(used, { labels: label });
    await create(empty, { labels: label }, api.keys.admin);
    expect((await count(used, 2)).status).toBe(200);
    const { host } = (await api.call('GET', `/v1/vms/${used}`)).body;
    const names = async (filter: string): Promise<string[]> => {
      const { body } = await api.call('GET', `/v1/vms?label=batch=${label.batch}&${filter}`);
      return (body as unknown as { vms: { name: string }[] }).vms.map(({ name }) => name).sort();
    };
    const both = [empty, used];
    await eventually('the count in the list', async () =>
      (await names('inUse=true')).length === 1 ? true : undefined,
    );
    expect(await names('inUse=true')).toEqual([used]);
    expect(await names('inUse=false')).toEqual([empty]);
    expect([await names('provider=local'), await names('provider=qemu')]).toEqual([both, []]);
    expect([await names(`host=${host ?? ''}`), await names('host=attic')]).toEqual([both, []]);
    expect(await names('zone=attic')).toEqual([]);
    expect([await names('createdBy=admin'), await names('createdBy=operator')]).toEqual([[empty], [used]]);
    expect(await names('createdBy=admin&inUse=true')).toEqual([]);
    expect((await api.call('GET', '/v1/vms?inUse=perhaps')).body.code).toBe('invalidRequest');
  });
});

describe('a count from outside', () => {
  it('counts as use, and its 0 ends the VM once the agent confirms it', async () => {
    const name = uniqueName();
    const made = await create(name, { idle: { timeoutSeconds: 1 } });
    const counted = await count(name, 3);
    expect([counted.status, counted.body.connections, counted.body.aliveBecause]).toEqual([200, 3, 'connections']);
    expect((await count(name, 0)).body).toMatchObject({ connections: 0, aliveBecause: 'idleGrace' });
    await eventually('the end', async () =>
      (await api.call('GET', `/v1/vms/${name}`)).body.state === 'destroyed' ? true : undefined,
    );
    const { machineId } = made.body;
    expect(park.calls.some((call) => call.name === 'confirmUsage' && call.machineId === machineId)).toBe(true);
    const late = await count(name, 1);
    expect([late.status, late.body.code]).toEqual([409, 'actionNotAllowed']);
  });

  it('is refused where it is no count, of an unknown VM, and with a key that may only look', async () => {
    const name = uniqueName();
    await create(name);
    for (const wrong of [-1, 1.5, '3', null, 10_000_001]) {
      const refused = await count(name, wrong);
      expect([wrong, refused.status, refused.body.code]).toEqual([wrong, 400, 'invalidRequest']);
    }
    expect((await count('nobody', 1)).body.code).toBe('unknownVm');
    expect((await count(name, 1, api.keys.viewer)).body.code).toBe('forbidden');
    expect((await count(name, 1, api.keys.other)).body.code).toBe('unknownVm');
  });
});
