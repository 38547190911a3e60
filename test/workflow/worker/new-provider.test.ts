import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openApiText } from '../../../api/routes.ts';
import { describeSettings } from '../../../config/describe-settings.ts';
import { loadSettings } from '../../../config/load-settings.ts';
import { settingsEnvironment } from '../../../config/settings-environment.ts';
import type { Settings } from '../../../config/settings.ts';
import { vmWorkflowId } from '../../../domain/wire-names.ts';
import type { VmView } from '../../../domain/vm/view.ts';
import { serverNameOf } from '../../../providers/cloud/resource-names.ts';
import { ownSettings } from '../../../providers/lookup.ts';
import type * as Registry from '../../../providers/registry.ts';
import { loadDeploymentSecret } from '../../../security/sealing/deployment-secret.ts';
import { hostKeysForAllProviders } from '../../../security/hosts/host-keys.ts';
import { startTestServer, TEST_NAMESPACE, type TestServer } from '../../../test-support/temporal-server.ts';
import { paper } from '../../../test-support/paper-cloud/descriptor.ts';
import { startPaperServer, type PaperCloudServer } from '../../../test-support/paper-cloud/paper-server.ts';
import { startTestApi, uniqueName, type ApiAnswer, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { workflowBundle } from '../../../test-support/workflow/vm-harness.ts';
import { startWorker, type RunningWorker } from '../../../worker/run-worker.ts';

// The one line that a new provider adds to the registry; everything else of it is in its folder.
vi.mock('../../../providers/registry.ts', async (original) => {
  const { PROVIDERS } = await original<typeof Registry>();
  const { paper: added } = await import('../../../test-support/paper-cloud/descriptor.ts');
  return { PROVIDERS: [...PROVIDERS, added] };
});

const load = (argv: string[], env: Record<string, string> = {}): Settings => loadSettings({ argv, env, cwd: '/' });

describe('the settings of a provider that was added by its folder and one line', () => {
  it('are flags, variables and help, reach child processes, and are checked with the others', () => {
    expect(describeSettings()).toContain('--paper-region  EPHEMERA_PAPER_REGION\n      where paper machines are');
    expect(describeSettings()).toMatch(/local, qemu, gcp(, [a-z0-9]+)*, paper/);
    const settings = load(['--provider', 'paper', '--paper-region', 'south']);
    expect(ownSettings(settings, paper)).toMatchObject({ region: 'south' });
    const child = loadSettings({ argv: [], env: settingsEnvironment(settings, {}), cwd: '/' });
    expect(ownSettings(child, paper)).toMatchObject({ region: 'south' });
    expect(load([], { EPHEMERA_PROVIDER_CALLS_PER_SECOND: 'paper=3' }).providerCalls.perSecond).toEqual({ paper: 3 });
    const south = { EPHEMERA_PAPER_REGION: 'south' };
    expect(() => load([], south)).toThrow(/is for the provider paper, which EPHEMERA_PROVIDER does not name/);
    expect(() => load(['--provider', 'paper', '--api-port', '0'], south)).toThrow(/EPHEMERA_PAPER_REGION: is too far/);
    expect(() => load(['--provider', 'paper', '--paper-region', 'east'])).toThrow(/must be north or south/);
  });

  it('leave it out of the default, and in the OpenAPI document', () => {
    expect(load([]).providers).toEqual(['local']);
    const { components } = JSON.parse(openApiText()) as {
      components: {
        schemas: Record<string, { properties: Record<string, { enum?: string[]; description?: string }> }>;
      };
    };
    const { provider } = components.schemas['CreateVm']!.properties;
    expect(provider!.enum).toEqual(expect.arrayContaining(['local', 'qemu', 'gcp', 'paper']));
    expect(provider!.description).toContain('`paper`: servers on paper, for tests');
  });
});

describe('a VM on a provider that was added by its folder and one line', () => {
  let server: TestServer;
  let api: TestApi;
  let worker: RunningWorker;
  let cloud: PaperCloudServer;

  beforeAll(async () => {
    server = await startTestServer();
    cloud = await startPaperServer();
    const queue = `paper-${randomUUID().slice(0, 8)}`;
    api = await startTestApi(server, queue, { change: (settings) => void (settings.providers = ['paper']) });
    const { stateDir, deployment } = api.settings;
    worker = await startWorker({
      settings: load(['--provider', 'paper'], {
        EPHEMERA_PAPER_ENDPOINT: cloud.endpoint,
        EPHEMERA_STATE_DIR: stateDir,
        EPHEMERA_DEPLOYMENT: deployment,
        EPHEMERA_API_URL: api.url,
        EPHEMERA_INTERNAL_PORT: '0',
        EPHEMERA_CONTROL_TASK_QUEUE: queue,
        TEMPORAL_ADDRESS: server.address,
        TEMPORAL_NAMESPACE: TEST_NAMESPACE,
      }),
      connection: { address: server.address },
      keys: hostKeysForAllProviders(loadDeploymentSecret(api.settings)),
      vmServerFile: '/nowhere/vm-server.cjs',
      log: pino({ level: 'silent' }),
      workflowBundle: await workflowBundle(),
    });
  });
  afterAll(async () => {
    await worker.shutdown();
    await api.close();
    await server.stop();
    await cloud.close();
  });

  const post = (path: string, body: object, key?: string | null): Promise<ApiAnswer> =>
    api.call('POST', path, { body, ...(key === undefined ? {} : { key }) });
  const untilState = (name: string, state: VmView['state']): Promise<ApiAnswer['body']> =>
    vi.waitUntil(
      async () => {
        const { body } = await api.call('GET', `/v1/vms/${name}`);
        return body.state === state ? body : undefined;
      },
      { timeout: 20_000 },
    );

  it('is refused what its provider cannot do, and what its rules forbid, before anything is made', async () => {
    const refused = async (body: object): Promise<[number, string | undefined, string]> => {
      const { status, body: problem, text } = await post('/v1/vms', { template: 'chat', ...body });
      return [status, problem.code, text];
    };
    expect(await refused({ spot: true })).toEqual([
      400,
      'unsupportedOption',
      expect.stringContaining('paper does not'),
    ]);
    expect(await refused({ image: 'debian' })).toEqual([
      400,
      'unsupportedOption',
      expect.stringContaining('vm-server'),
    ]);
    expect(await refused({ cpus: 3 })).toEqual([403, 'optionNotAllowed', expect.stringContaining('2 at most')]);
    expect(await refused({ provider: 'local' })).toEqual([400, 'unknownProvider', expect.stringContaining('paper')]);
    expect(cloud.model.made).toEqual([]);
  });

  it('lives from a template of its provider to its end, and its agent proves itself as its provider says', async () => {
    const name = uniqueName();
    const answer = await post('/v1/vms', { name, template: 'speck' });
    expect(answer.status, answer.text).toBe(201);
    const { machineId = '', zone, spec } = await untilState(name, 'running');
    expect([zone, spec.provider, spec.cpus]).toEqual(['north-1', 'paper', 2]);
    const [made] = cloud.model.named(serverNameOf(api.settings.deployment, machineId));
    const prove = (token: string): Promise<ApiAnswer> =>
      post('/v1/agent/exchange', { secret: `paper ${made!.secret} ${token}`, nonce: uniqueName() }, null);
    expect((await prove('i-am-another')).status).toBe(401);
    const exchanged = await prove(`i-am-${made!.name}`);
    expect(exchanged.status, exchanged.text).toBe(200);
    const report = { sequence: 1, connections: 3, ready: true, calmMs: 0, forwarded: null };
    expect((await post('/v1/agent/report', report, exchanged.body.token)).status).toBe(200);
    await api.call('DELETE', `/v1/vms/${name}`);
    expect(await untilState(name, 'destroyed')).toMatchObject({
      reason: 'requested',
      workflowId: vmWorkflowId('default', name),
    });
    const { provider } = worker.hosts[0]!;
    expect(await provider.describe(machineId, { signal: new AbortController().signal })).toBeUndefined();
  });
});
