/** What a deployment allows of Compute Engine, by the provider alone: the API may be configured otherwise. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import {
  chatOnGcp,
  gcpHarness,
  gcpRequest,
  warmClient,
  type GcpHarness,
} from '../../../test-support/gce-server/harness.ts';

const SUBNETWORK = 'regions/us-central1/subnetworks/ephemera-test';
const RULES = {
  networks: [SUBNETWORK, 'default'],
  externalIp: 'never',
  machineTypes: ['e2-micro', 'e2-standard-*'],
} as const;
const never = { signal: new AbortController().signal };

let harness: GcpHarness;
beforeAll(warmClient);
beforeEach(async () => {
  harness = await gcpHarness();
  harness.server.model.subnetworks.add(SUBNETWORK);
});
afterEach(() => harness.dispose());

const make = (spec: Partial<VmSpec>, rules: typeof RULES | null = RULES) =>
  harness.withOptions(rules === null ? {} : { rules }).create(gcpRequest({ spec: chatOnGcp(spec) }), never);

const interfaces = () =>
  [...harness.server.model.instances.values()].flatMap(({ networkInterfaces }) => networkInterfaces);

describe('a machine on Compute Engine', () => {
  it('is in the first of the allowed networks unless its spec names another of them', async () => {
    await make({});
    expect(interfaces()).toMatchObject([{ subnetwork: SUBNETWORK }]);
    expect(interfaces()[0]).not.toHaveProperty('accessConfigs');
    await make({ network: 'projects/test-project/global/networks/default' });
    expect(interfaces()[1]).toMatchObject({ network: 'projects/test-project/global/networks/default' });
  });

  it.each([
    ['another network', { network: 'open' }, /field network: "open" .*ephemera-test, default/],
    ['the same network of another project', { network: 'projects/other/global/networks/default' }, /field network/],
    ['no network at all', { network: '../default' }, /field network/],
    ['an address on the internet', { externalIp: true }, /field externalIp/],
    ['another machine type', { machineType: 'n2-standard-4' }, /field machineType: n2-standard-4 .*e2-micro/],
    ['a size whose type is another one', { cpus: 16, memoryMb: 65_536 }, /field machineType: e2-custom-16-65536/],
  ])('is refused with %s, before anything is asked of the cloud', async (_, spec, message) => {
    await expect(make(spec)).rejects.toMatchObject({
      code: 'badSpec',
      message: expect.stringMatching(message) as string,
    });
    expect(harness.server.calls).toEqual([]);
  });

  it('gets none of it either where the deployment sets no rules: E2 types in the network default', async () => {
    for (const spec of [{ externalIp: true }, { network: SUBNETWORK }, { machineType: 'a3-megagpu-8g' }]) {
      await expect(make(spec, null)).rejects.toMatchObject({ code: 'badSpec' });
    }
    expect(harness.server.calls).toEqual([]);
    await make({ machineType: 'e2-highcpu-2' }, null);
    expect(interfaces()).toMatchObject([{ network: 'global/networks/default' }]);
  });
});
