import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gcp } from '../../../providers/gcp/descriptor.ts';
import { ownSettings } from '../../../providers/lookup.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';
import { startTestApi, uniqueName, type ApiAnswer, type TestApi } from '../../../test-support/workflow/api-harness.ts';

let server: TestServer;
let api: TestApi;

beforeAll(async () => {
  server = await startTestServer();
  api = await startTestApi(server, uniqueName('gcp-rules'), {
    change: (settings) => {
      settings.providers = ['local', 'gcp'];
      ownSettings(settings, gcp).project = 'p1';
      ownSettings(settings, gcp).rules = {
        networks: ['regions/us-central1/subnetworks/ephemera-test'],
        externalIp: 'never',
        machineTypes: ['e2-*'],
      };
    },
  });
});
afterAll(async () => {
  await api.close();
  await server.stop();
});

const create = (body: Record<string, unknown>): Promise<ApiAnswer> =>
  api.call('POST', '/v1/vms', { body: { template: 'chat', provider: 'gcp', ...body } });

describe('a create on Compute Engine', () => {
  it.each([
    ['another network', { network: 'default' }, /body\.network: .*default.* is not allowed.*ephemera-test/],
    ['an address on the internet', { externalIp: true }, /body\.externalIp/],
    ['another machine type', { machineType: 'a3-megagpu-8g' }, /body\.machineType: a3-megagpu-8g .*e2-\*/],
  ])('that asks for %s is refused with a code, and nothing is created', async (_, asked, detail) => {
    const name = uniqueName('refused');
    const answer = await create({ name, ...asked });
    expect(answer).toMatchObject({ status: 403, body: { code: 'optionNotAllowed' } });
    expect(answer.text).toMatch(detail);
    expect((await api.call('GET', `/v1/vms/${name}`)).status).toBe(404);
  });

  it('of a size that no machine type has is a bad request', async () => {
    expect(await create({ cpus: 64 })).toMatchObject({ status: 400, body: { code: 'invalidRequest' } });
  });

  it('that asks for what is allowed is taken, however the network is written', async () => {
    for (const network of [
      'regions/us-central1/subnetworks/ephemera-test',
      'projects/p1/regions/us-central1/subnetworks/ephemera-test',
    ]) {
      expect((await create({ name: uniqueName('allowed'), network })).status).toBe(201);
    }
  });
});
