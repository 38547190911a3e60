/** What a deployment allows of DigitalOcean, by the provider alone: the API may be configured otherwise. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import type { DigitalOceanRules } from '../../../providers/digitalocean/rules.ts';
import {
  chatOnDigitalOcean,
  digitalOceanHarness,
  digitalOceanRequest,
  warmClient,
  type DigitalOceanHarness,
} from '../../../test-support/digitalocean-server/harness.ts';

const never = { signal: new AbortController().signal };

let harness: DigitalOceanHarness;
beforeAll(warmClient);
beforeEach(async () => {
  harness = await digitalOceanHarness();
});
afterEach(() => harness.dispose());

const vpcIn = (region: string): string => harness.server.model.vpcs.find((vpc) => vpc.region === region)!.id;
const rules = (): DigitalOceanRules => ({
  vpcs: [`nyc3=${vpcIn('nyc3')}`, `ams3=${vpcIn('ams3')}`],
  externalIp: 'never',
  sizes: ['s-1vcpu-*', 's-2vcpu-2gb'],
});
const make = async (spec: Partial<VmSpec>) => {
  const request = digitalOceanRequest({ spec: chatOnDigitalOcean(spec) });
  const machine = await harness.withOptions({ rules: rules() }).create(request, never);
  return { machine, droplet: harness.dropletsOf(machine.machineId)[0]! };
};

describe('a droplet', () => {
  it('is in the VPC of its region, and has the smallest size that its spec fits in', async () => {
    const { droplet } = await make({ cpus: 1, memoryMb: 700 });
    expect(droplet.vpcId).toBe(vpcIn('nyc3'));
    expect(droplet.size.slug).toBe('s-1vcpu-1gb');
    expect((await make({ cpus: 1, memoryMb: 512, diskGb: 55, zones: ['ams3'] })).droplet).toMatchObject({
      ...{ vpcId: vpcIn('ams3'), size: { slug: 's-2vcpu-2gb' } },
    });
  });

  it('is in the region of the VPC that its spec names', async () => {
    const { machine } = await make({ network: vpcIn('ams3'), zones: ['nyc3', 'ams3'] });
    expect(machine.zone).toBe('ams3');
  });

  it('has no monitoring, no backups, no agent of DigitalOcean, and says whether it may reach the internet', async () => {
    for (const egress of [true, false]) {
      const { droplet } = await make({ egress });
      expect(droplet.features).toEqual(['private_networking']);
      const tags = harness.server.model.tags.of('droplet', droplet.id);
      expect(tags).toContain(egress ? 'ephemera-egress' : 'ephemera-sealed');
    }
  });

  it('has user data without a secret in it', async () => {
    const { droplet } = await make({ userData: '#cloud-config\npackages: [htop]\n' });
    expect(droplet.userData).toContain('htop');
    expect(droplet.userData).not.toContain('one-time');
  });

  it.each([
    ['another network', { network: 'moon' }, /field network: "moon" .*allowed: [0-9a-f-]{36}/],
    ['an address on the internet', { externalIp: true }, /field externalIp/],
    ['another size', { machineType: 'c-2' }, /field machineType: c-2 .*s-1vcpu-\*/],
    ['more than any size of the table has', { cpus: 16 }, /field cpus: .*machineType/],
    ['a disk that its size does not have', { machineType: 's-1vcpu-1gb', diskGb: 500 }, /field diskGb/],
    ['a place that is no region', { zones: ['us-central1-a'] }, /field zones/],
    ['rules of egress', { egress: ['443/tcp'] as never }, /field egress/],
    ['a spot machine', { spot: true }, /field spot/],
    ['a label of ours', { labels: { 'ephemera-owner': 'me' } }, /field labels\.ephemera-owner/],
  ])('is refused with %s, before anything is asked of the cloud', async (_, spec, message) => {
    await expect(make(spec)).rejects.toMatchObject({
      code: 'badSpec',
      message: expect.stringMatching(message) as string,
    });
    expect(harness.server.calls).toEqual([]);
  });
});
