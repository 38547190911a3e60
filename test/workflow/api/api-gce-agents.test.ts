import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gcp } from '../../../providers/gcp/descriptor.ts';
import { ownSettings } from '../../../providers/lookup.ts';
import { loadDeploymentSecret } from '../../../security/sealing/deployment-secret.ts';
import { InstanceBindings } from '../../../security/agents/instance-proofs.ts';
import { INSTANCE, newSigner, tokenBy } from '../../../test-support/gce-identity-tokens.ts';
import { startTestApi, uniqueName, type ApiAnswer, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { startVmHarness, untilView, type VmHandle, type VmHarness } from '../../../test-support/workflow/vm-harness.ts';

const signer = newSigner('k1');
let keys: Server;
let harness: VmHarness;
let api: TestApi;
let vm: VmHandle;
let machineId: string;

beforeAll(async () => {
  keys = createServer((_request, response) => response.end(JSON.stringify({ keys: [signer.jwk] })));
  keys.listen(0, '127.0.0.1');
  await once(keys, 'listening');
  harness = await startVmHarness();
  const { start, queue } = await harness.park('api gce agents');
  api = await startTestApi(harness.server, queue, {
    instanceKeysUrl: `http://127.0.0.1:${(keys.address() as AddressInfo).port}/certs`,
    change: (settings) => {
      ownSettings(settings, gcp).project = 'p1';
    },
  });
  vm = await start();
  ({ machineId } = await untilView(vm, ({ state }) => state === 'running'));
});
afterAll(async () => {
  await api.close();
  await harness.stop();
  keys.close();
});

/** An exchange by the proof of an instance, whose identity may be changed. */
function exchange(instanceId: string, claims: Record<string, unknown> = {}): Promise<ApiAnswer> {
  const bindings = new InstanceBindings(loadDeploymentSecret(api.settings), api.settings.deployment, 'gce');
  const binding = bindings.issue({ workflowId: vm.workflowId, machineId, instanceName: INSTANCE }, Date.now());
  const seconds = Math.floor(Date.now() / 1000);
  const times = { aud: api.settings.api.url, iat: seconds, exp: seconds + 3600 };
  const identity = tokenBy(signer, { ...times, ...claims }, { instance_id: instanceId });
  const body = { secret: `gce ${binding} ${identity}`, nonce: uniqueName('nonce') };
  return api.call('POST', '/v1/agent/exchange', { key: null, body });
}

describe('an instance of Compute Engine', () => {
  it('gets a report token for its identity, with no secret in its metadata, and again after a restart', async () => {
    const first = await exchange('77');
    expect(first.status, JSON.stringify(first.body)).toBe(200);
    expect((await exchange('77')).status).toBe(200);
    const report = { sequence: 5, connections: 3, ready: true, calmMs: 0, forwarded: null };
    const reported = await api.call('POST', '/v1/agent/report', { key: first.body.token ?? '', body: report });
    expect(reported.status).toBe(200);
    expect(await untilView(vm, ({ connections }) => connections === 3)).toMatchObject({ machineId });
  });

  it('is refused when another instance shows the binding, or the identity is for somebody else', async () => {
    expect(await exchange('78')).toMatchObject({ status: 401, body: { code: 'tokenRefused' } });
    expect(await exchange('77', { aud: 'https://other.test' })).toMatchObject({ status: 401 });
    expect(await exchange('77', { exp: Math.floor(Date.now() / 1000) - 60 })).toMatchObject({ status: 401 });
  });

  it('is soon asked to wait where it shows one document after the other, before any more of them is looked at', async () => {
    const elsewhere = { aud: 'https://other.test' };
    const answers = await Promise.all(Array.from({ length: 60 }, () => exchange('77', elsewhere)));
    const limited = answers.filter(({ status }) => status === 429);
    expect(limited.length).toBeGreaterThan(5);
    expect(limited[0]).toMatchObject({ body: { code: 'rateLimited' } });
    expect(answers.filter(({ status }) => status !== 429 && status !== 401)).toEqual([]);
  });
});
