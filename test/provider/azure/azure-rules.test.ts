/** What a deployment allows of Azure, and what machines are made of. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Machine } from '../../../domain/machine/provider.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { AZURE_RULES, subnetOf, type AzureRules } from '../../../providers/azure/rules.ts';
import { placeOf } from '../../../providers/azure/place.ts';
import { machineSizeOf } from '../../../providers/azure/machine/machine-size.ts';
import {
  azureHarness,
  azureRequest,
  chatOnAzure,
  nameOf,
  warmClient,
  type AzureHarness,
} from '../../../test-support/azure-server/harness.ts';

const never = { signal: new AbortController().signal };

beforeAll(warmClient, 60_000);

let harness: AzureHarness;
beforeEach(async () => {
  harness = await azureHarness();
});
afterEach(() => harness.dispose());

const make = (spec: Partial<VmSpec>, rules: Partial<AzureRules> = {}): Promise<Machine> =>
  harness
    .withOptions({ rules: { ...harness.options.rules!, ...rules } })
    .create(azureRequest({ spec: chatOnAzure(spec) }), never);

describe('a machine on Azure', () => {
  it.each([
    ['another network', { network: 'open/machines' }, /field network: "open\/machines" .*vnet-westeurope/],
    ['no network at all', { network: '../default' }, /field network/],
    ['an address on the internet', { externalIp: true }, /field externalIp/],
    ['another size', { machineType: 'Standard_M128s' }, /field machineType: Standard_M128s .*Standard_B\*_v2/],
    ['more than any size of the table', { cpus: 100 }, /field cpus/],
    ['a place that is none', { zones: ['eastus-11'] }, /field zones/],
    ['a location without a subnet', { zones: ['eastus'] }, /field zones: no subnet .* eastus/],
    ['a list of egress rules', { egress: ['443/tcp'] }, /field egress/],
    ['a label that is ours', { labels: { 'ephemera-machine': 'x' } }, /field labels/],
    [
      'more labels than fit',
      { labels: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`l${i}`, 'x'])) },
      /field labels/,
    ],
    ['the disk of a closed session', { image: 'eph-test-m-1-i1' }, /field image: .*closed into/],
  ])('is refused with %s, before anything is asked of the cloud', async (_, spec, message) => {
    await expect(make(spec)).rejects.toMatchObject({
      code: 'badSpec',
      message: expect.stringMatching(message) as string,
    });
    expect(harness.server.calls).toEqual([]);
  });

  it('is refused with secrets where they would travel in plain text', async () => {
    const sealed = { secretEnv: ['TOKEN'], startupScript: false } as unknown as NonNullable<VmSpec['sealed']>;
    await expect(make({ sealed })).rejects.toMatchObject({ code: 'insecureTransport' });
  });

  it('has one network interface in the first subnet of its location, a disk of its own, and no way in', async () => {
    const { machineId, address } = await make({
      labels: { 'app.kubernetes.io/name': 'chat', Team: 'A/B' },
      cpus: 3,
      memoryMb: 8192,
    });
    const vm = harness.server.model.store.get('Microsoft.Compute/virtualMachines', nameOf(machineId));
    expect(vm.tags).toMatchObject({
      'ephemera-deployment': 'test',
      'ephemera-vm': 'lobby',
      'ephemera-ip': address!.ip,
    });
    expect(JSON.stringify(vm.tags)).not.toContain('one-time');
    expect(vm.properties).toMatchObject({
      hardwareProfile: { vmSize: 'Standard_B4ls_v2' },
      osProfile: { allowExtensionOperations: false, linuxConfiguration: { disablePasswordAuthentication: true } },
      storageProfile: { osDisk: { deleteOption: 'Delete', managedDisk: { storageAccountType: 'StandardSSD_LRS' } } },
      networkProfile: { networkInterfaces: [{ properties: { deleteOption: 'Delete' } }] },
    });
    expect(vm.properties).not.toHaveProperty('priority');
    expect(harness.server.model.names('publicIPAddresses')).toEqual([]);
  });

  it('has the security group of machines with egress, or that of machines without', async () => {
    const group = (name: string): string =>
      `/subscriptions/${harness.server.subscription}/resourceGroups/${harness.server.resourceGroup}/providers/Microsoft.Network/networkSecurityGroups/${name}`;
    const provider = harness.withOptions({ securityGroup: group('nsg-westeurope') });
    for (const egress of [false, true]) await provider.create(azureRequest({ spec: chatOnAzure({ egress }) }), never);
    const without = harness.withOptions({ egressSecurityGroup: group('nsg-westeurope') });
    const open = await without.create(azureRequest({ spec: chatOnAzure({ egress: true }) }), never);
    const sealed = await without.create(azureRequest({ spec: chatOnAzure({ egress: false }) }), never);
    const groupsOf = (name: string): unknown =>
      harness.server.model.store.get('Microsoft.Network/networkInterfaces', `${name}-nic`).properties;
    expect(groupsOf(nameOf(open.machineId))).toMatchObject({ networkSecurityGroup: { id: group('nsg-westeurope') } });
    expect(groupsOf(nameOf(sealed.machineId))).not.toHaveProperty('networkSecurityGroup');
  });

  it('with an address on the internet is reached there, and spot machines have a size that Azure takes back', async () => {
    const machine = await make({ externalIp: true, spot: true }, { externalIp: 'allowed' });
    const name = nameOf(machine.machineId);
    const [address] = harness.server.model.of('publicIPAddresses');
    expect(machine.address?.ip).toBe((address!.properties as { ipAddress?: string }).ipAddress);
    expect(harness.server.model.store.get('Microsoft.Compute/virtualMachines', name).properties).toMatchObject({
      hardwareProfile: { vmSize: 'Standard_D2ls_v5' },
      priority: 'Spot',
      evictionPolicy: 'Deallocate',
    });
  });
});

describe('names of Azure', () => {
  it('a place is a location, or a zone of one', () => {
    expect(placeOf('eastus')).toEqual({ location: 'eastus', zone: null });
    expect(placeOf('westus3-2')).toEqual({ location: 'westus3', zone: '2' });
    for (const text of ['', 'East US', 'eastus-0', 'eastus-', '../x']) expect(placeOf(text), text).toBeUndefined();
  });

  it('a subnet is written in three ways', () => {
    const group = { subscription: '00000000-0000-4000-8000-000000000000', resourceGroup: 'own' };
    const id = `/subscriptions/${group.subscription}/resourceGroups/own/providers/Microsoft.Network/virtualNetworks/v/subnets/s`;
    expect(subnetOf('v/s', group)).toEqual({ id, location: null });
    expect(subnetOf('eastus=own/v/s', group)).toEqual({ id, location: 'eastus' });
    expect(subnetOf(`eastus=${id}`, group)).toEqual({ id, location: 'eastus' });
    for (const text of ['', 's', 'a/b/c/d', '/subscriptions/x/s', 'v/..']) {
      expect(subnetOf(text, group)?.id ?? 'none', text).toMatch(/none|\.\.$/);
    }
  });

  it('a size is the first that fits, and what the rules of a deployment without any allow', () => {
    const size = (cpus: number, memoryMb: number, spot = false): string =>
      machineSizeOf({ machineType: null, cpus, memoryMb, spot });
    expect([size(1, 512), size(1, 2048), size(2, 8192), size(4, 8192)]).toEqual([
      'Standard_B2ts_v2',
      'Standard_B2ls_v2',
      'Standard_B2s_v2',
      'Standard_B4ls_v2',
    ]);
    expect(size(1, 512, true)).toBe('Standard_D2ls_v5');
    expect(AZURE_RULES.machineTypes).toEqual(['Standard_B*_v2', 'Standard_D*s_v5']);
  });
});
