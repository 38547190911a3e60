/** VMs of the strict server, through the unmodified official clients. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  QUICK,
  encoded,
  makeNic,
  makeVm,
  powerOf,
  startClientScene,
  vmOf,
  type ClientScene,
} from '../../../test-support/azure-server/client-scene.ts';
import { eventually } from '../../../test-support/eventually.ts';

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

describe('a VM', () => {
  it('begins with its interface and address, runs, and is shown without its secrets', async () => {
    const vm = await makeVm(scene, 'vm-1', { tags: { a: 'b' }, userData: encoded('{}'), zones: ['2'] });
    expect(vm).toMatchObject({ provisioningState: 'Succeeded', tags: { a: 'b' }, zones: ['2'] });
    expect(vm.osProfile?.customData).toBeUndefined();
    expect(vm.userData).toBeUndefined();
    expect((await compute.virtualMachines.get(group, 'vm-1', { expand: 'userData' })).userData).toBe(encoded('{}'));
    const address = await network.publicIPAddresses.get(group, 'vm-1-ip');
    const guest = running.get('vm-1');
    expect(guest).toMatchObject({ id: vm.vmId, account: server.subscription, place: '2', userData: '#cloud-config' });
    expect(guest?.ips).toHaveLength(2);
    expect(guest?.ips[1]).toBe(address.ipAddress);
    expect(guest?.changeable()).toBe('{}');
    expect(await powerOf(scene, 'vm-1')).toBe('PowerState/running');
  });

  it('is made once with If-None-Match, and changed only with the etag that it has', async () => {
    const vm = await makeVm(scene, 'vm-1');
    const again = vmOf('vm-1', vm.networkProfile?.networkInterfaces?.[0]?.id ?? '');
    const put = (options: object): Promise<unknown> =>
      compute.virtualMachines.createOrUpdate(group, 'vm-1', again, { ...QUICK, ...options });
    await expect(put({ ifNoneMatch: '*' })).rejects.toMatchObject({ statusCode: 412 });
    await expect(put({ ifNoneMatch: '"1"' })).rejects.toMatchObject({ statusCode: 400 });
    await expect(put({ ifMatch: '"other"' })).rejects.toMatchObject({ statusCode: 412 });
    const changed = await compute.virtualMachines.update(
      group,
      'vm-1',
      { tags: { a: '1' } },
      { ...QUICK, ifMatch: vm.etag! },
    );
    expect(changed.tags).toEqual({ a: '1' });
    const stale = compute.virtualMachines.update(group, 'vm-1', { tags: { a: '2' } }, { ...QUICK, ifMatch: vm.etag! });
    await expect(stale).rejects.toMatchObject({ statusCode: 412 });
    expect(server.model.vms.made).toBe(1);
  });

  it('does one thing at a time, but is deleted whatever it does', async () => {
    server.model.store.engine.stepMs = 500;
    const id = await makeNic(scene, 'vm-1-nic');
    const making = compute.virtualMachines.createOrUpdate(group, 'vm-1', vmOf('vm-1', id), QUICK);
    const outcome = making.then(
      () => 'made',
      (error: unknown) => String(error),
    );
    await eventually(() => expect(server.model.names('virtualMachines')).toEqual(['vm-1']));
    const stop = compute.virtualMachines.deallocate(group, 'vm-1', QUICK);
    await expect(stop).rejects.toMatchObject({ code: 'Conflict', statusCode: 409 });
    server.model.store.engine.stepMs = 5;
    await compute.virtualMachines.delete(group, 'vm-1', QUICK);
    expect(await outcome).toContain('OperationPreempted');
    expect(server.model.names('virtualMachines')).toEqual([]);
    expect(running.size).toBe(0);
  });

  it('keeps its disk while it is deallocated, and has it again when it starts', async () => {
    await makeVm(scene, 'vm-1');
    running.get('vm-1')?.disk.set('/note', Buffer.from('kept'));
    await compute.virtualMachines.deallocate(group, 'vm-1', QUICK);
    expect(await powerOf(scene, 'vm-1')).toBe('PowerState/deallocated');
    expect(running.size).toBe(0);
    await compute.virtualMachines.start(group, 'vm-1', QUICK);
    expect(running.get('vm-1')?.disk.get('/note')?.toString()).toBe('kept');
    await compute.virtualMachines.powerOff(group, 'vm-1', QUICK);
    expect(await powerOf(scene, 'vm-1')).toBe('PowerState/stopped');
  });

  it('is seen stopped after a crash, and deallocated or gone after an eviction', async () => {
    await makeVm(scene, 'vm-1');
    server.model.crash('vm-1');
    expect(await powerOf(scene, 'vm-1')).toBe('PowerState/stopped');
    await makeVm(scene, 'spot-1', { priority: 'Spot', evictionPolicy: 'Deallocate', billingProfile: { maxPrice: -1 } });
    await compute.virtualMachines.simulateEviction(group, 'spot-1');
    expect(await powerOf(scene, 'spot-1')).toBe('PowerState/deallocated');
    await makeVm(scene, 'spot-2', { priority: 'Spot', evictionPolicy: 'Delete' });
    server.model.evict('spot-2');
    await expect(compute.virtualMachines.get(group, 'spot-2')).rejects.toMatchObject({ statusCode: 404 });
    expect([...running.keys()]).toEqual([]);
  });

  it('takes its disk, interface and address with it when it is deleted, and leaves what is to be detached', async () => {
    await makeVm(scene, 'vm-1');
    await compute.virtualMachines.delete(group, 'vm-1', QUICK);
    for (const type of ['virtualMachines', 'disks', 'networkInterfaces', 'publicIPAddresses']) {
      expect(server.model.names(type), type).toEqual([]);
    }
    const id = await makeNic(scene, 'vm-2-nic');
    const { storageProfile } = vmOf('vm-2', id);
    const kept = { ...storageProfile, osDisk: { ...storageProfile!.osDisk!, deleteOption: 'Detach' } };
    const networkProfile = { networkInterfaces: [{ id }] };
    await compute.virtualMachines.createOrUpdate(
      group,
      'vm-2',
      vmOf('vm-2', id, { storageProfile: kept, networkProfile }),
      QUICK,
    );
    await compute.virtualMachines.delete(group, 'vm-2', QUICK);
    expect(server.model.names('disks')).toEqual(['vm-2-disk']);
    expect(server.model.names('networkInterfaces')).toEqual(['vm-2-nic']);
    // A second delete finds nothing, and says so without an error.
    await compute.virtualMachines.delete(group, 'vm-2', QUICK);
    await network.networkInterfaces.delete(group, 'vm-2-nic', QUICK);
    await compute.disks.delete(group, 'vm-2-disk', QUICK);
  });

  it('keeps what it uses from being deleted or used by another', async () => {
    const vm = await makeVm(scene, 'vm-1');
    const id = vm.networkProfile?.networkInterfaces?.[0]?.id ?? '';
    const nicInUse = network.networkInterfaces.delete(group, 'vm-1-nic', QUICK);
    await expect(nicInUse).rejects.toMatchObject({ code: 'NicInUse', statusCode: 400 });
    const ipInUse = network.publicIPAddresses.delete(group, 'vm-1-ip', QUICK);
    await expect(ipInUse).rejects.toMatchObject({ code: 'PublicIPAddressCannotBeDeleted' });
    const diskInUse = compute.disks.delete(group, 'vm-1-disk', QUICK);
    await expect(diskInUse).rejects.toMatchObject({ code: 'OperationNotAllowed', statusCode: 409 });
    const other = compute.virtualMachines.createOrUpdate(group, 'vm-2', vmOf('vm-2', id), QUICK);
    await expect(other).rejects.toMatchObject({ code: 'NicInUse' });
  });
});

describe('a VM for which there is no room', () => {
  it('is left half made, in the state Failed, with all that is its own', async () => {
    server.model.vms.rooms.stockedOut.add('westeurope');
    await expect(makeVm(scene, 'vm-1')).rejects.toThrow('AllocationFailed');
    const vm = await compute.virtualMachines.get(group, 'vm-1', { expand: 'instanceView' });
    expect(vm.provisioningState).toBe('Failed');
    expect(vm.instanceView?.statuses?.map(({ code }) => code)).toEqual(['ProvisioningState/failed/AllocationFailed']);
    expect(server.model.names('disks')).toEqual(['vm-1-disk']);
    expect(server.model.names('networkInterfaces')).toEqual(['vm-1-nic']);
    expect(running.size).toBe(0);
    await compute.virtualMachines.delete(group, 'vm-1', QUICK);
    for (const type of ['virtualMachines', 'disks', 'networkInterfaces', 'publicIPAddresses']) {
      expect(server.model.names(type), type).toEqual([]);
    }
  });

  it('is refused at once where its size or the quota says so, and its interface is kept for it for a while', async () => {
    server.model.network.reservedMs = 200;
    server.model.vms.rooms.unavailable.add('Standard_B2s in 1');
    await expect(makeVm(scene, 'vm-1', { zones: ['1'] })).rejects.toMatchObject({
      code: 'SkuNotAvailable',
      statusCode: 409,
    });
    const nicKept = network.networkInterfaces.delete(group, 'vm-1-nic', QUICK);
    await expect(nicKept).rejects.toMatchObject({ code: 'NicReservedForAnotherVm' });
    await eventually(() => network.networkInterfaces.delete(group, 'vm-1-nic', QUICK));
    server.model.vms.rooms.coreQuota = 1;
    await expect(makeVm(scene, 'vm-2')).rejects.toMatchObject({ code: 'OperationNotAllowed', statusCode: 409 });
    server.model.vms.rooms.coreQuota = Infinity;
    server.model.vms.rooms.familyQuotas.set('standardBSFamily', 1);
    await expect(makeVm(scene, 'vm-3')).rejects.toMatchObject({ code: 'QuotaExceeded' });
    expect(server.model.names('virtualMachines')).toEqual([]);
  });

  it('is seen in the sizes and the usage of a location', async () => {
    await makeVm(scene, 'vm-1');
    server.model.vms.rooms.unavailable.add('Standard_B2s in 1');
    const usages = new Map<string, number>();
    for await (const { name, currentValue } of compute.usage.list('westeurope'))
      usages.set(name.value ?? '', currentValue);
    expect(usages.get('cores')).toBe(2);
    for await (const sku of compute.resourceSkus.list({ filter: "location eq 'westeurope'" })) {
      if (sku.name === 'Standard_B2s') expect(sku.restrictions?.[0]?.restrictionInfo?.zones).toEqual(['1']);
    }
  });
});
