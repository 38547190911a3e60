import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { doctorProvider } from '../../../commands/doctor/doctor-provider.ts';
import { azure } from '../../../providers/azure/descriptor.ts';
import { diagnoseAzure, type AzureDoctorOptions, type AzureFinding } from '../../../providers/azure/diagnose.ts';
import { AZURE_RULES } from '../../../providers/azure/rules.ts';
import { startAzureServer, type AzureServer } from '../../../test-support/azure-server/server.ts';

const RULES = {
  ...AZURE_RULES,
  subnets: ['westeurope=vnet-westeurope/default', 'northeurope=vnet-northeurope/default'],
};

let server: AzureServer;
beforeEach(async () => {
  server = await startAzureServer();
});
afterEach(() => server.close());

const diagnose = (overrides: Partial<AzureDoctorOptions> = {}): Promise<AzureFinding[]> =>
  diagnoseAzure({
    ...{ subscription: server.subscription, resourceGroup: server.resourceGroup, endpoint: server.endpoint },
    places: ['westeurope-1', 'westeurope-2', 'northeurope'],
    rules: RULES,
    ...overrides,
  });

/** The one thing that is wrong. */
async function problem(overrides: Partial<AzureDoctorOptions> = {}): Promise<AzureFinding> {
  const wrong = (await diagnose(overrides)).filter(({ ok }) => !ok);
  expect(wrong).toHaveLength(1);
  expect(wrong[0]!.todo).not.toBe('');
  return wrong[0]!;
}

describe('the doctor for Azure', () => {
  it('finds nothing wrong where all is well', async () => {
    const findings = await diagnose();
    expect(findings.filter(({ ok }) => !ok)).toEqual([]);
    const perLocation = ['sizes', 'quota', 'sizes', 'quota'];
    expect(findings.map(({ check }) => check)).toEqual([
      'credentials',
      'group',
      'permissions',
      'subnets',
      ...perLocation,
      'image',
    ]);
  });

  it('says how to get credentials where there are none', async () => {
    const credential = { getToken: () => Promise.reject(new Error('ManagedIdentityCredential: no endpoint found')) };
    const found = await problem({ credential });
    expect(found).toMatchObject({ check: 'credentials' });
    expect(found.todo).toMatch(/managed identity.*az login/);
  });

  it('says that the resource group or the subscription is another one', async () => {
    expect((await problem({ resourceGroup: 'typo' })).todo).toContain('az group create --name typo');
    expect(await problem({ subscription: '00000000-0000-4000-8000-00000000abcd' })).toMatchObject({ check: 'group' });
  });

  it('says that nobody answers', async () => {
    expect(await problem({ endpoint: 'http://127.0.0.1:1' })).toMatchObject({ check: 'group' });
  });

  it('names each missing permission, those of addresses on the internet only where machines may have one', async () => {
    const { denied } = server.model.store;
    denied.add('Microsoft.Network/publicIPAddresses/write');
    expect((await diagnose()).filter(({ ok }) => !ok)).toEqual([]);
    expect(await problem({ rules: { ...RULES, externalIp: 'allowed' } })).toMatchObject({
      check: 'permissions',
      found: 'missing: Microsoft.Network/publicIPAddresses/write',
    });
    denied.add('Microsoft.Compute/virtualMachines/deallocate/action');
    expect((await problem()).found).toBe('missing: Microsoft.Compute/virtualMachines/deallocate/action');
  });

  it('names a subnet that does not exist, and a location without one', async () => {
    const missing = await problem({ rules: { ...RULES, subnets: ['vnet-westeurope/moon'] } });
    expect(missing).toMatchObject({ check: 'subnets' });
    expect(missing.todo).toContain('vnet-westeurope/moon');
    const without = await problem({ rules: { ...RULES, subnets: ['westeurope=vnet-westeurope/default'] } });
    expect(without.todo).toContain('northeurope=VNET/SUBNET');
  });

  it('names a zone that has not the size of machines', async () => {
    server.model.vms.rooms.unavailable.add('Standard_B2ts_v2 in 2');
    const found = await problem({ places: ['westeurope-1', 'westeurope-2'] });
    expect(found).toMatchObject({ check: 'sizes' });
    expect(found.todo).toContain('westeurope-2');
  });

  it('names a quota without room', async () => {
    server.model.vms.rooms.coreQuota = 1;
    const found = await problem({ places: ['westeurope'] });
    expect(found).toMatchObject({ check: 'quota' });
    expect(found.todo).toContain('cores in westeurope');
  });

  it('names an image that does not exist', async () => {
    for (const image of ['Canonical:ubuntu:no:latest', 'own-image', 'gallery/chat/1.0.0']) {
      expect((await problem({ image })).todo, image).toContain('EPHEMERA_AZURE_IMAGE');
    }
  });
});

describe('npm run doctor -- azure', () => {
  it('ends well where all is well, and else says all there is to do', async () => {
    const env = {
      EPHEMERA_AZURE_SUBSCRIPTION: server.subscription,
      EPHEMERA_AZURE_RESOURCE_GROUP: server.resourceGroup,
      EPHEMERA_AZURE_PLACES: 'westeurope-1',
      EPHEMERA_AZURE_SUBNETS: 'vnet-westeurope/default',
      EPHEMERA_AZURE_ENDPOINT: server.endpoint,
    };
    await expect(doctorProvider(azure, env)).resolves.toBeUndefined();
    server.model.store.denied.add('Microsoft.Compute/virtualMachines/write');
    await expect(doctorProvider(azure, { ...env, EPHEMERA_AZURE_SUBNETS: 'moon/base' })).rejects.toThrow(
      /permissions: Grant them[^]*subnets: Make the subnet moon\/base/,
    );
    await expect(doctorProvider(azure, {})).rejects.toThrow(/EPHEMERA_AZURE_SUBSCRIPTION/);
  });
});
