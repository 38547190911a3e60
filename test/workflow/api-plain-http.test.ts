/** What the API does where its answers could be read on their way. */
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentTokens } from '../../config/agent-tokens.ts';
import { loadDeploymentSecret } from '../../config/deployment-secret.ts';
import type { Settings } from '../../config/settings.ts';
import type { HttpReport, HttpReportReply } from '../../domain/agent-protocol.ts';
import { sealedInputQuery } from '../../workflows/messages.ts';
import { startTestApi, uniqueName, type ApiAnswer, type TestApi } from './api-harness.ts';
import { startVmHarness, type VmHarness } from './vm-harness.ts';

/** An address of this computer that is not loopback; what goes there does not leave the computer. */
const OWN_ADDRESS = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
const missing = OWN_ADDRESS === undefined ? ' (needs an address besides loopback)' : '';

let harness: VmHarness;
let api: TestApi;
beforeAll(async () => {
  harness = await startVmHarness();
  const { queue } = await harness.park('api plain http');
  api = await startTestApi(harness.server, queue, {
    change: (settings) => {
      settings.providers = ['local', 'gcp'];
      settings.api.host = '0.0.0.0';
    },
  });
});
afterAll(async () => {
  await api.close();
  await harness.stop();
});

/** Changes the settings of the running API until the call is answered. */
async function withSettings(change: (settings: Settings) => void, call: () => Promise<ApiAnswer>): Promise<ApiAnswer> {
  const { api: before, gcp, local } = structuredClone(api.settings);
  change(api.settings);
  try {
    return await call();
  } finally {
    Object.assign(api.settings, { api: before, gcp, local });
  }
}

const SECRET = { secretEnv: { TOKEN: 'hunter2' } };
const create = (body: object): Promise<ApiAnswer> =>
  api.call('POST', '/v1/vms', { body: { name: uniqueName(), template: 'chat', ...body } });

const PLAIN = 'http://10.0.0.2:7400';
const overHttp = (url: string) => (settings: Settings) => {
  settings.api.url = url;
  settings.local.agentTransport = 'http';
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
      settings.gcp.vmServerUrl = 'http://files.example.test/vm-server.cjs';
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
  it.skipIf(missing)(`gets them from this computer and not over plain HTTP from another${missing}`, async () => {
    const made = await api.call('POST', '/v1/vms?wait=ready', {
      body: { name: uniqueName(), template: 'chat', ...SECRET },
    });
    expect(made.status).toBe(201);
    const { workflowId, machineId = '' } = made.body;
    const tokens = new AgentTokens(loadDeploymentSecret(api.settings), api.settings.deployment);
    const { signature } = await harness.server.client.workflow.getHandle(workflowId).query(sealedInputQuery);
    const token = tokens.issue('report', { workflowId, machineId, startSignature: signature ?? '' }, Date.now());
    const { port } = new URL(api.url);
    const report = async (host: string): Promise<HttpReportReply> => {
      const body: HttpReport = { sequence: 1, connections: 0, ready: true, calmMs: 0, forwarded: null };
      const answer = await fetch(`http://${host}:${port}/v1/agent/report`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect(answer.status).toBe(200);
      return (await answer.json()) as HttpReportReply;
    };
    expect((await report('127.0.0.1')).assignment).toMatchObject(SECRET);
    expect(await report(OWN_ADDRESS!)).not.toHaveProperty('assignment');
  });
});
