import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import proto from '@temporalio/proto';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSettings } from '../../../config/load-settings.ts';
import type { Settings } from '../../../config/settings.ts';
import { CONSOLE_OWNER_HEADER, SEARCH_ATTRIBUTE, machineTaskQueue, vmWorkflowId } from '../../../domain/wire-names.ts';
import type { VmInput } from '../../../workflows/messages.ts';
import { viewQuery } from '../../../workflows/messages.ts';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import { hostBearer } from '../../../security/hosts/host-bearer.ts';
import { hostKeysForAllProviders } from '../../../security/hosts/host-keys.ts';
import { readInternalIdentity } from '../../../security/hosts/internal-identity.ts';
import { startWorker, type RunningWorker, type StartWorkerOptions } from '../../../worker/run-worker.ts';
import { TemporalSetupError, prepareNamespace } from '../../../worker/temporal/temporal-setup.ts';
import { chatSpec } from '../../../test-support/machines/local-harness.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { signedStart } from '../../../test-support/signed-start.ts';
import { TEST_NAMESPACE, startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';
import { workflowBundle } from '../../../test-support/workflow/vm-harness.ts';

const log = pino({ level: 'silent' });
const secret = new Uint8Array(32).fill(7);
const never = { signal: new AbortController().signal };

const INT = proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_INT;

let server: TestServer;
let stateDir: string;
let options: (changes?: Partial<Settings>) => Promise<StartWorkerOptions>;
beforeAll(async () => {
  server = await startTestServer();
  stateDir = await mkdtemp(join(tmpdir(), 'eph-'));
  const env = {
    EPHEMERA_STATE_DIR: stateDir,
    EPHEMERA_DEPLOYMENT: 'test',
    EPHEMERA_INTERNAL_PORT: '0',
    EPHEMERA_CONTROL_TASK_QUEUE: `worker-${randomUUID().slice(0, 8)}`,
    TEMPORAL_ADDRESS: server.address,
    TEMPORAL_NAMESPACE: TEST_NAMESPACE,
  };
  const settings = loadSettings({ argv: [], env, cwd: stateDir });
  options = async (changes = {}) => ({
    settings: { ...settings, ...changes },
    connection: { address: server.address },
    keys: hostKeysForAllProviders(secret),
    vmServerFile: await buildVmServer(),
    log,
    workflowBundle: await workflowBundle(),
  });
});
afterAll(async () => {
  await server.stop();
  await rm(stateDir, { recursive: true, force: true });
});

/** The key of the endpoint is another test's matter. */
function ask(
  url: string,
  options: { headers?: Record<string, string>; method?: string } = {},
): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...options, agent: false, rejectUnauthorized: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode, text: Buffer.concat(chunks).toString() }));
    });
    sent.on('error', reject).end();
  });
}

describe('a namespace before a worker polls', () => {
  it('is registered with 30 days of retention and every search attribute', async () => {
    const namespace = `fresh-${randomUUID().slice(0, 8)}`;
    await prepareNamespace(server.connection, namespace, log);
    const { config } = await server.connection.workflowService.describeNamespace({ namespace });
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 24 * 3600);
    const { customAttributes } = await server.connection.operatorService.listSearchAttributes({ namespace });
    expect(Object.keys(customAttributes).sort()).toEqual(
      expect.arrayContaining(Object.values(SEARCH_ATTRIBUTE).map(({ name }) => name)),
    );
    await prepareNamespace(server.connection, namespace, log);
  });

  it('with an attribute of another type is refused with the command that helps', async () => {
    const namespace = `wrong-${randomUUID().slice(0, 8)}`;
    await server.connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: (24 * 3600) as never },
    });
    await eventually(async () => {
      await server.connection.operatorService.addSearchAttributes({ namespace, searchAttributes: { VmState: INT } });
    }, 20_000);
    await eventually(async () => {
      const { customAttributes } = await server.connection.operatorService.listSearchAttributes({ namespace });
      expect(customAttributes['VmState']).toBe(INT);
    }, 20_000);
    const preparing = prepareNamespace(server.connection, namespace, log);
    await expect(preparing).rejects.toBeInstanceOf(TemporalSetupError);
    await expect(preparing).rejects.toThrow(
      `temporal operator search-attribute remove --namespace ${namespace} --name VmState`,
    );
  });

  it('that may not be changed ends the worker with each command to run', async () => {
    const refused = Object.assign(new Error('PERMISSION_DENIED'), { code: 7 });
    const locked = {
      workflowService: server.connection.workflowService,
      operatorService: {
        listSearchAttributes: () => Promise.resolve({ customAttributes: { VmState: 2 } }),
        addSearchAttributes: () => Promise.reject(refused),
      },
    } as unknown as typeof server.connection;
    const preparing = prepareNamespace(locked, TEST_NAMESPACE, log);
    await expect(preparing).rejects.toThrow(
      `temporal operator search-attribute create --namespace ${TEST_NAMESPACE} --name VmLabels --type KeywordList`,
    );
    await expect(preparing).rejects.not.toThrow('--name VmState');
  });
});

describe('a worker process', () => {
  const runVm = async (worker: RunningWorker, settings: Settings): Promise<string> => {
    const name = `vm-${randomUUID().slice(0, 8)}`;
    const start: VmInput = { project: 'default', name, spec: chatSpec() };
    const input = signedStart(start, null, { secret, deployment: 'test' });
    await server.client.workflow.start('vm', {
      workflowId: vmWorkflowId('default', name),
      taskQueue: settings.temporal.controlTaskQueue,
      args: [input],
    });
    await eventually(async () => {
      const [machine] = await worker.hosts[0]!.provider.list(never);
      expect(machine).toMatchObject({ status: 'running', labels: { vm: name, deployment: 'test' } });
      const view = await server.client.workflow.getHandle(vmWorkflowId('default', name)).query(viewQuery);
      expect(view.state).toBe('running');
    }, 30_000);
    return name;
  };

  it('runs a whole VM, serves its console to the API alone, and leaves it alive when it ends', async () => {
    const worker = await startWorker(await options());
    const { settings } = await options();
    const name = await runVm(worker, settings);
    const [machine] = await worker.hosts[0]!.provider.list(never);
    const url = `https://127.0.0.1:${worker.internalPort!}/internal/machines/${machine!.machineId}/console`;
    const headers = {
      authorization: `Bearer ${hostBearer(secret, readInternalIdentity(settings.stateDir)!.fingerprint)}`,
      [CONSOLE_OWNER_HEADER]: vmWorkflowId('default', name),
    };
    const ofAnother = { ...headers, [CONSOLE_OWNER_HEADER]: vmWorkflowId('default', 'another') };
    expect((await ask(url, { headers })).text).toContain(machine!.machineId);
    expect((await ask(url, { headers: ofAnother })).status).toBe(404);
    expect((await ask(url)).status).toBe(401);
    expect((await ask(url, { headers: { authorization: 'Bearer guess' } })).status).toBe(401);
    expect((await ask(url, { headers, method: 'POST' })).status).toBe(405);
    expect((await ask(url.replace(/m-[^/]+/, 'm-unknown'), { headers })).status).toBe(404);
    expect((await ask(url.replace(/m-[^/]+/, '..%2f..%2fetc'), { headers })).status).toBe(404);
    await worker.shutdown();
    await expect(ask(url, { headers })).rejects.toThrow();
    const again = await startWorker(await options());
    expect(await again.hosts[0]!.provider.describe(machine!.machineId, never)).toMatchObject({ status: 'running' });
    await eventually(() => expect(again.hosts[0]!.links.counters.signalsSent).toBe(1));
    const handle = server.client.workflow.getHandle(vmWorkflowId('default', name));
    await handle.signal('destroy');
    await handle.result();
    expect(await again.hosts[0]!.provider.list(never)).toEqual([]);
    await again.shutdown();
  });

  it('can be a control worker alone or a host worker alone', async () => {
    const base = await options();
    const roles = (role: 'control' | 'host'): Partial<Settings> => ({
      worker: { ...base.settings.worker, roles: [role] },
    });
    const control = await startWorker(await options(roles('control')));
    expect(control.internalPort).toBeNull();
    expect(control.hosts).toEqual([]);
    const host = await startWorker(await options(roles('host')));
    const name = await runVm(host, base.settings);
    const handle = server.client.workflow.getHandle(vmWorkflowId('default', name));
    await handle.signal('destroy');
    await handle.result();
    await Promise.all([control.shutdown(), host.shutdown()]);
  });

  it('takes the activities of its providers from queues of their own', () => {
    expect(machineTaskQueue('local', 'control')).toBe('control.machines.local');
  });

  it('does not start when its internal port is taken, and says which setting to change', async () => {
    const first = await startWorker(await options());
    const base = await options();
    const taken = { ...base.settings.worker, internalPort: first.internalPort! };
    await expect(startWorker(await options({ worker: taken }))).rejects.toThrow('EPHEMERA_INTERNAL_PORT');
    await first.shutdown();
  });
});
