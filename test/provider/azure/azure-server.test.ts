/** The strict server itself, through the unmodified official clients, and by plain requests where these would not send such a thing. */
import { randomUUID } from 'node:crypto';
import type { VirtualMachine } from '@azure/arm-compute';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  QUICK,
  addressOf,
  makeNic,
  makePublicIp,
  makeVm,
  powerOf,
  startClientScene,
  vmOf,
  withoutSystem,
  type ClientScene,
} from '../../../test-support/azure-server/client-scene.ts';
import { eventually } from '../../../test-support/eventually.ts';

const COMPUTE = 'api-version=2026-04-01';

let scene: ClientScene;
let server: ClientScene['server'];
let compute: ClientScene['compute'];
let network: ClientScene['network'];
let running: ClientScene['running'];
const group = 'ephemera';

beforeEach(async () => {
  scene = await startClientScene({ resourceGroup: group });
  ({ server, compute, network, running } = scene);
});

afterEach(() => server.close());

/** A request that the clients would not make. */
async function plainly(verb: string, path: string, body?: unknown): Promise<Refusal> {
  const response = await fetch(path, {
    method: verb,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { error } = (await response.json()) as { error: { code: string; target?: string } };
  return { status: response.status, ...error };
}

interface Refusal {
  status: number;
  code: string;
  target?: string;
}

describe('refuses', () => {
  it('requests without a version of the API, or with one that there is not', async () => {
    const path = addressOf(scene, 'Microsoft.Compute/virtualMachines/vm');
    expect(await plainly('GET', path)).toMatchObject({ status: 400, code: 'MissingApiVersionParameter' });
    const other = await plainly('GET', `${path}?api-version=2019-12-01`);
    expect(other).toMatchObject({ status: 400, code: 'NoRegisteredProviderFound' });
  });

  it('unknown subscriptions, groups, types, parameters and verbs', async () => {
    const path = addressOf(scene, 'Microsoft.Compute/virtualMachines/vm');
    const elsewhere = await fetch(`${path.replace(server.subscription, randomUUID())}?${COMPUTE}`);
    expect(elsewhere.status).toBe(404);
    const lost = `${path.replace(group, 'lost')}?${COMPUTE}`;
    expect(await plainly('GET', lost)).toMatchObject({ status: 404, code: 'ResourceGroupNotFound' });
    const kind = `${addressOf(scene, 'Microsoft.Compute/castles/c')}?${COMPUTE}`;
    expect(await plainly('GET', kind)).toMatchObject({ status: 404, code: 'InvalidResourceType' });
    expect(await plainly('GET', `${path}?${COMPUTE}&color=red`)).toMatchObject({ status: 400, target: 'color' });
    expect(await plainly('POST', `${path}?${COMPUTE}`)).toMatchObject({ status: 405 });
  });

  it('fields of bodies that nobody knows, and values of the wrong type', async () => {
    const path = `${addressOf(scene, 'Microsoft.Compute/virtualMachines/vm')}?${COMPUTE}`;
    const unknown = await plainly('PUT', path, { location: 'westeurope', properties: { color: 'red' } });
    expect(unknown).toMatchObject({ status: 400, code: 'BadRequest', target: 'properties.color' });
    const wrong = await plainly('PUT', path, { properties: { hardwareProfile: { vmSize: 2 } } });
    expect(wrong).toMatchObject({ code: 'InvalidRequestContent', target: 'properties.hardwareProfile.vmSize' });
    const value = await plainly('PUT', path, { properties: { priority: 'Cheap' } });
    expect(value).toMatchObject({ code: 'InvalidRequestContent', target: 'properties.priority' });
  });

  it('other tokens than its own, where it has one', async () => {
    await server.close();
    scene = await startClientScene({ token: 'good' });
    ({ server } = scene);
    const path = addressOf(scene, 'Microsoft.Compute/virtualMachines/vm');
    const get = async (authorization?: string): Promise<number> => {
      const headers = authorization === undefined ? {} : { authorization };
      return (await fetch(`${path}?${COMPUTE}`, { headers })).status;
    };
    expect(await get()).toBe(401);
    expect(await get('Bearer bad')).toBe(401);
    expect(await get('Bearer good')).toBe(404);
  });

  it('names, tags, locations and zones that Azure would not take', async () => {
    const address = { location: 'westeurope', sku: { name: 'Standard' }, publicIPAllocationMethod: 'Static' };
    const put = (name: string, more: object): Promise<unknown> =>
      network.publicIPAddresses.createOrUpdate(group, name, { ...address, ...more }, QUICK);
    await expect(put('-ip', {})).rejects.toMatchObject({ code: 'InvalidResourceName' });
    await expect(put('a'.repeat(81), {})).rejects.toMatchObject({ code: 'InvalidResourceName' });
    await expect(put('ip', { location: 'moon' })).rejects.toMatchObject({
      code: 'LocationNotAvailableForResourceType',
    });
    await expect(put('ip', { zones: ['9'] })).rejects.toMatchObject({ code: 'InvalidAvailabilityZone' });
    await put('kept', { zones: ['1'] });
    const moved = put('kept', { zones: ['2'] });
    await expect(moved).rejects.toMatchObject({ code: 'ResourceAvailabilityZonesCannotBeModified' });
    await expect(put('ip', { sku: { name: 'Basic' } })).rejects.toMatchObject({ statusCode: 400 });
    await expect(put('ip', { publicIPAllocationMethod: 'Dynamic' })).rejects.toMatchObject({
      code: 'InvalidParameter',
    });
    const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`tag-${index}`, 'x']));
    await expect(put('ip', { tags: many })).rejects.toMatchObject({ code: 'TooManyTags' });
    await expect(put('ip', { tags: { long: 'x'.repeat(257) } })).rejects.toMatchObject({
      code: 'InvalidTagValueLength',
    });
    await expect(put('ip', { tags: { 'a/b': '' } })).rejects.toMatchObject({ code: 'InvalidTagNameCharacters' });
    expect(server.model.names('publicIPAddresses')).toEqual(['kept']);
  });

  it('VMs of unknown sizes, images, interfaces, and with what their image does not take', async () => {
    const id = await makeNic(scene, 'nic-1');
    const put = (more: Partial<VirtualMachine>): Promise<unknown> =>
      compute.virtualMachines.createOrUpdate(group, 'vm', vmOf('vm', id, more), QUICK);
    const osDisk = { createOption: 'FromImage' };
    await expect(put({ hardwareProfile: { vmSize: 'Standard_Huge' } })).rejects.toMatchObject({
      code: 'InvalidParameter',
    });
    const win95 = { publisher: 'Old', offer: 'win', sku: '95', version: 'latest' };
    const unknownImage = put({ storageProfile: { osDisk, imageReference: win95 } });
    await expect(unknownImage).rejects.toMatchObject({ code: 'PlatformImageNotFound', statusCode: 404 });
    const debian = vmOf('vm', id).storageProfile!.imageReference!;
    const small = put({ storageProfile: { osDisk: { ...osDisk, diskSizeGB: 1 }, imageReference: debian } });
    await expect(small).rejects.toMatchObject({ code: 'OperationNotAllowed', statusCode: 409 });
    const other = { networkInterfaces: [{ id: `${id}-lost` }] };
    await expect(put({ networkProfile: other })).rejects.toMatchObject({ code: 'InvalidResourceReference' });
    await expect(put({ osProfile: { computerName: 'vm', adminUsername: 'root' } })).rejects.toMatchObject({
      statusCode: 400,
    });
    await expect(put({ osProfile: { ...vmOf('vm', id).osProfile, customData: '#!' } })).rejects.toMatchObject({
      statusCode: 400,
    });
    const standard = put({ securityProfile: { securityType: 'Standard' } });
    await expect(standard).rejects.toMatchObject({ code: 'InvalidParameter' });
    await expect(put({ evictionPolicy: 'Delete' })).rejects.toMatchObject({ code: 'OperationNotAllowed' });
    expect(server.model.names('virtualMachines')).toEqual([]);
  });

  it('what the caller has no permission for', async () => {
    server.model.store.denied.add('Microsoft.Network/virtualNetworks/subnets/join/action');
    await expect(makeNic(scene, 'nic-1')).rejects.toMatchObject({ code: 'AuthorizationFailed', statusCode: 403 });
    server.model.store.denied.add('Microsoft.Compute/virtualMachines/read');
    await expect(compute.virtualMachines.get(group, 'vm')).rejects.toMatchObject({ code: 'AuthorizationFailed' });
  });

  it('calls beyond a limit until the window is over, and says how many are left', async () => {
    server.model.throttle.limits.set('GetVM', { calls: 2, windowMs: 300 });
    const path = addressOf(scene, 'Microsoft.Compute/virtualMachines/vm');
    const get = (): Promise<Response> => fetch(`${path}?${COMPUTE}`);
    expect((await get()).headers.get('x-ms-ratelimit-remaining-resource')).toBe('Microsoft.Compute/GetVM3Min;1');
    await get();
    const refused = await get();
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('1');
    server.model.throttle.limits.set('writes', { calls: 0, windowMs: 300 });
    await expect(makeNic(scene, 'nic-1')).rejects.toMatchObject({ code: 'SubscriptionRequestsThrottled' });
    await eventually(async () => expect((await get()).status).toBe(404));
  });
});

describe('operations', () => {
  it('are followed by their URL alone, by another client and after the first one is gone', async () => {
    const id = await makeNic(scene, 'vm-1-nic');
    const path = `${addressOf(scene, 'Microsoft.Compute/virtualMachines/vm-1')}?${COMPUTE}`;
    const body = {
      location: 'westeurope',
      properties: {
        hardwareProfile: { vmSize: 'Standard_B2s' },
        storageProfile: vmOf('vm-1', id).storageProfile,
        osProfile: vmOf('vm-1', id).osProfile,
        networkProfile: { networkInterfaces: [{ id, properties: { deleteOption: 'Delete' } }] },
      },
    };
    const made = await fetch(path, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(made.status).toBe(201);
    expect(made.headers.get('retry-after')).toBe('0');
    const url = made.headers.get('azure-asyncoperation') ?? '';
    await eventually(async () => {
      const operation = (await (await fetch(url)).json()) as { status: string; endTime?: string };
      expect(operation).toMatchObject({ status: 'Succeeded' });
      expect(operation.endTime).toBeDefined();
    });
    expect((await fetch(url.replace(/operations\/[^?]+/, `operations/${randomUUID()}`))).status).toBe(404);
    expect(await powerOf(scene, 'vm-1')).toBe('PowerState/running');
  });

  it('end with an error that a test has planned for them', async () => {
    const error = { code: 'InternalExecutionError', message: 'An internal execution error occurred.' };
    await makeVm(scene, 'vm-1');
    server.model.store.engine.failNext.set('virtualMachines.deallocate', { error, times: 1 });
    await expect(compute.virtualMachines.deallocate(group, 'vm-1', QUICK)).rejects.toThrow('InternalExecutionError');
    expect(await powerOf(scene, 'vm-1')).toBe('PowerState/running');
    await compute.virtualMachines.deallocate(group, 'vm-1', QUICK);
  });

  it('have had their effect or not when the answer is lost', async () => {
    const method = 'publicIPAddresses.createOrUpdate';
    server.faults.add({ method, times: 1, what: { kind: 'resetBefore' } });
    await expect(makePublicIp(scene, 'ip-1')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(server.model.names('publicIPAddresses')).toEqual([]);
    server.faults.add({ method, times: 1, what: { kind: 'resetAfter' } });
    await expect(makePublicIp(scene, 'ip-1')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(server.model.names('publicIPAddresses')).toEqual(['ip-1']);
    const reason = 'ServiceUnavailable';
    server.faults.add({ method, times: 1, what: { kind: 'answer', status: 503, reason, message: 'busy' } });
    await expect(makePublicIp(scene, 'ip-1')).rejects.toMatchObject({ code: reason, statusCode: 503 });
  });
});

describe('images', () => {
  it('of a snapshot begin other VMs with the files of the first one', async () => {
    const vm = await makeVm(scene, 'vm-1');
    running.get('vm-1')?.disk.set('/note', Buffer.from('kept'));
    const sourceResourceId = vm.storageProfile?.osDisk?.managedDisk?.id ?? '';
    const snapshot = await compute.snapshots.createOrUpdate(
      group,
      'snapshot-1',
      {
        location: 'westeurope',
        incremental: true,
        creationData: { createOption: 'Copy', sourceResourceId },
      },
      QUICK,
    );
    running.get('vm-1')?.disk.set('/note', Buffer.from('changed'));
    const osDisk = { osType: 'Linux', osState: 'Generalized', snapshot: { id: snapshot.id! } } as const;
    const image = await compute.images.createOrUpdate(
      group,
      'image-1',
      { location: 'westeurope', storageProfile: { osDisk } },
      QUICK,
    );
    const start = { osDisk: { createOption: 'FromImage', deleteOption: 'Delete' }, imageReference: { id: image.id! } };
    await makeVm(scene, 'vm-2', { storageProfile: start });
    expect(running.get('vm-2')?.disk.get('/note')?.toString()).toBe('kept');
    const disk = await compute.disks.createOrUpdate(
      group,
      'disk-3',
      {
        location: 'westeurope',
        creationData: { createOption: 'Copy', sourceResourceId: snapshot.id! },
      },
      QUICK,
    );
    const attached = { osDisk: { createOption: 'Attach', osType: 'Linux' as const, managedDisk: { id: disk.id! } } };
    await expect(makeVm(scene, 'vm-3', { storageProfile: attached })).rejects.toMatchObject({
      code: 'InvalidParameter',
    });
    await eventually(() => network.networkInterfaces.delete(group, 'vm-3-nic', QUICK));
    const nicId = await makeNic(scene, 'vm-3-nic');
    const noSystem = withoutSystem(vmOf('vm-3', nicId, { storageProfile: attached }));
    await compute.virtualMachines.createOrUpdate(group, 'vm-3', noSystem, QUICK);
    expect(running.get('vm-3')?.disk.get('/note')?.toString()).toBe('kept');
  });

  it('in a gallery have versions, of which the newest is taken, and go after these', async () => {
    await makeVm(scene, 'vm-1');
    const source = { virtualMachineId: server.model.of('virtualMachines')[0]?.id ?? '' };
    await compute.galleries.createOrUpdate(group, 'gallery', { location: 'westeurope' }, QUICK);
    await compute.galleryImages.createOrUpdate(
      group,
      'gallery',
      'image',
      {
        location: 'westeurope',
        osType: 'Linux',
        osState: 'Specialized',
        identifier: { publisher: 'p', offer: 'o', sku: 's' },
      },
      QUICK,
    );
    for (const version of ['1.9.0', '1.10.0']) {
      running.get('vm-1')?.disk.set('/version', Buffer.from(version));
      await compute.galleryImageVersions.createOrUpdate(
        group,
        'gallery',
        'image',
        version,
        {
          location: 'westeurope',
          storageProfile: { source },
        },
        QUICK,
      );
    }
    const id = server.model.of('galleries/images')[0]?.id ?? '';
    const nicId = await makeNic(scene, 'vm-2-nic');
    const storageProfile = { osDisk: { createOption: 'FromImage' }, imageReference: { id } };
    const withSystem = compute.virtualMachines.createOrUpdate(
      group,
      'vm-2',
      vmOf('vm-2', nicId, { storageProfile }),
      QUICK,
    );
    await expect(withSystem).rejects.toMatchObject({ code: 'InvalidParameter' });
    const noSystem = withoutSystem(vmOf('vm-2', nicId, { storageProfile }));
    await compute.virtualMachines.createOrUpdate(group, 'vm-2', noSystem, QUICK);
    expect(running.get('vm-2')?.disk.get('/version')?.toString()).toBe('1.10.0');
    const full = compute.galleryImages.delete(group, 'gallery', 'image', QUICK);
    await expect(full).rejects.toMatchObject({ code: 'CannotDeleteResource' });
  });

  it('of a VM itself need it to be stopped and generalized', async () => {
    const vm = await makeVm(scene, 'vm-1');
    const make = (): Promise<unknown> =>
      compute.images.createOrUpdate(
        group,
        'image-1',
        { location: 'westeurope', sourceVirtualMachine: { id: vm.id! } },
        QUICK,
      );
    await expect(make()).rejects.toMatchObject({ code: 'OperationNotAllowed' });
    await expect(compute.virtualMachines.generalize(group, 'vm-1')).rejects.toMatchObject({ statusCode: 409 });
    await compute.virtualMachines.deallocate(group, 'vm-1', QUICK);
    await compute.virtualMachines.generalize(group, 'vm-1');
    await make();
    expect(server.model.names('images')).toEqual(['image-1']);
  });
});

it('lists come in pages, and everything in the group is found by its type', async () => {
  for (let index = 0; index < 52; index += 1) {
    await compute.sshPublicKeys.create(group, `key-${index}`, {
      location: 'westeurope',
      tags: { index: `${index}` },
    });
  }
  const found: (string | undefined)[] = [];
  for await (const key of compute.sshPublicKeys.listByResourceGroup(group)) found.push(key.tags?.['index']);
  expect(found).toHaveLength(52);
  expect(server.countOf('sshPublicKeys.listByResourceGroup')).toBe(2);
  await compute.sshPublicKeys.delete(group, 'key-0');
  await makeVm(scene, 'vm-1');
  const states: (string | undefined)[] = [];
  for await (const vm of compute.virtualMachines.listAll({ statusOnly: 'true' })) {
    states.push(...(vm.instanceView?.statuses ?? []).map(({ code }) => code));
  }
  expect(states).toContain('PowerState/running');
});
