/** What the API does where its answers could be read on their way. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gcp } from '../../../providers/gcp/descriptor.ts';
import { local } from '../../../providers/local/descriptor.ts';
import { ownSettings } from '../../../providers/lookup.ts';
import { AgentTokens } from '../../../security/agents/agent-tokens.ts';
import { loadDeploymentSecret } from '../../../security/sealing/deployment-secret.ts';
import type { Settings } from '../../../config/settings.ts';
import type { HttpReport, HttpReportReply } from '../../../domain/agent/protocol.ts';
import { sealedInputQuery } from '../../../workflows/messages.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { startTestApi, uniqueName, type ApiAnswer, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';
import { startVmHarness, type VmHarness } from '../../../test-support/workflow/vm-harness.ts';

/** What a proxy on this computer says of a caller elsewhere. */
const FROM_ANOTHER = { 'x-forwarded-for': '203.0.113.7' };

let harness: VmHarness;
let api: TestApi;
let park: FakeMachines;
beforeAll(async () => {
  harness = await startVmHarness();
  const started = await harness.park('api plain http');
  park = started.park;
  api = await startTestApi(harness.server, started.queue, {
    change: (settings) => {
      settings.providers = ['local', 'gcp'];
      settings.api.trustedProxies = ['127.0.0.1'];
    },
  });
});
afterAll(async () => {
  await api.close();
  await harness.stop();
});

/** Changes the settings of the running API until the call is answered. */
async function withSettings(change: (settings: Settings) => void, call: () => Promise<ApiAnswer>): Promise<ApiAnswer> {
  const { api: before, providerSettings } = structuredClone(api.settings);
  change(api.settings);
  try {
    return await call();
  } finally {
    Object.assign(api.settings, { api: before, providerSettings });
  }
}

const SECRET = { secretEnv: { TOKEN: 'hunter2' } };
const create = (body: object): Promise<ApiAnswer> =>
  api.call('POST', '/v1/vms', { body: { name: uniqueName(), template: 'chat', ...body } });

const PLAIN = 'http://10.0.0.2:7400';
const overHttp = (url: string) => (settings: Settings) => {
  settings.api.url = url;
  ownSettings(settings, local).agentTransport = 'http';
};

describe('a create with secrets', () => {
  it.each(['gcp', 'local'])(
    'is refused where agents of %s report over plain HTTP, and nothing is made',
    async (provider) => {
      for (const secret of [SECRET, { startupScript: 'true' }]) {
        const name = uniqueName();
        const answer = await withSettings(overHttp(PLAIN), () => create({ name, provider, ...secret }));
        expect(answer).toMatchObject({ status: 400, body: { code: 'insecureTransport' } });
        expect(answer.text).not.toContain('hunter2');
        expect((await api.call('GET', `/v1/vms/${name}`)).status).toBe(404);
      }
    },
  );

  it('is refused where the program of its machine comes over plain HTTP', async () => {
    const change = (settings: Settings): void => {
      settings.api.url = 'https://api.example.test';
      ownSettings(settings, gcp).vmServerUrl = 'http://files.example.test/vm-server.cjs';
    };
    const answer = await withSettings(change, () => create({ provider: 'gcp', ...SECRET }));
    expect(answer).toMatchObject({ status: 400, body: { code: 'insecureTransport' } });
  });

  it('is taken over TLS, to this computer itself, and where agents have a channel', async () => {
    for (const url of [
      'https://10.0.0.2:7400',
      'http://127.0.0.1:7400',
      'http://localhost:7400',
      'http://[::1]:7400',
    ]) {
      const answer = await withSettings(overHttp(url), () => create({ provider: 'gcp', ...SECRET }));
      expect(answer.status, url).toBe(201);
    }
    const channel = await withSettings(
      (settings) => (settings.api.url = PLAIN),
      () => create(SECRET),
    );
    expect(channel.status).toBe(201);
  });

  it('that has none is taken everywhere', async () => {
    expect((await withSettings(overHttp(PLAIN), () => create({ provider: 'gcp' }))).status).toBe(201);
  });
});

describe('a machine that asks for its secrets', () => {
  it('gets them from this computer and not over plain HTTP from another', async () => {
    // Until it is ready the machine may ask again and again.
    park.broken.add('awaitMachineReady');
    const { body: made } = await create(SECRET);
    let booting = made;
    await eventually(async () => {
      booting = (await api.call('GET', `/v1/vms/${made.name}`)).body;
      expect(booting.state).toBe('booting');
    });
    const { workflowId, machineId = '' } = booting;
    const tokens = new AgentTokens(loadDeploymentSecret(api.settings), api.settings.deployment);
    const { signature } = await harness.server.client.workflow.getHandle(workflowId).query(sealedInputQuery);
    const token = tokens.issue('report', { workflowId, machineId, startSignature: signature ?? '' }, Date.now());
    const report = async (from: Record<string, string>): Promise<HttpReportReply> => {
      const body: HttpReport = { sequence: 1, connections: 0, ready: true, calmMs: 0, forwarded: null };
      const answer = await fetch(`${api.url}/v1/agent/report`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...from },
        body: JSON.stringify(body),
      });
      expect(answer.status).toBe(200);
      return (await answer.json()) as HttpReportReply;
    };
    expect((await report({})).assignment).toMatchObject(SECRET);
    expect(await report(FROM_ANOTHER)).not.toHaveProperty('assignment');
  });
});
