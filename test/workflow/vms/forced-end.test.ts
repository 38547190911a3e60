/** Ends by force: of VMs whose provider never lets go, with and without real machines behind them. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { WorkflowFailedError } from '@temporalio/client';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMachineActivities } from '../../../activities/machine/machine-activities.ts';
import { createSweepActivities } from '../../../activities/machine/sweep/sweep-machines.ts';
import { AgentTokens } from '../../../security/agents/agent-tokens.ts';
import { loadDeploymentSecret } from '../../../security/sealing/deployment-secret.ts';
import type { MachineProvider } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { SweepInput, SweepReport } from '../../../domain/machine/sweep.ts';
import { TIMEOUTS } from '../../../domain/timeouts.ts';
import { vmWorkflowId } from '../../../domain/wire-names.ts';
import { createLocalProvider } from '../../../providers/local/local-provider.ts';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import { AgentLinks } from '../../../worker/links/agent-links.ts';
import { temporalVmLedger } from '../../../worker/temporal/temporal-vm-ledger.ts';
import { temporalVmSignals } from '../../../worker/links/vm-signals.ts';
import { timelineQuery, viewQuery } from '../../../workflows/messages.ts';
import { checkedStarts, type StartingDeployment } from '../../../test-support/signed-start.ts';
import { TEST_NAMESPACE } from '../../../test-support/temporal-server.ts';
import { eventually, startTestApi, uniqueName, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import {
  runHost,
  runWorker,
  startVmHarness,
  untilView,
  workflowBundle,
  type VmHandle,
  type VmHarness,
} from '../../../test-support/workflow/vm-harness.ts';

let harness: VmHarness;
beforeAll(async () => {
  harness = await startVmHarness();
});
afterAll(async () => {
  await harness.stop();
});

const LET_GO = { state: 'failed', reason: 'requested', aliveBecause: null };

const saying = (part: string): unknown => expect.stringContaining(part);

async function failureOf(vm: VmHandle): Promise<unknown> {
  const error: unknown = await vm.result().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(WorkflowFailedError);
  return (error as WorkflowFailedError).cause;
}

describe.concurrent('a VM whose machine cannot be destroyed', () => {
  it('is told to end by force from the stock CLI: it closes, says so, and its name is free', async (test) => {
    const { park, start } = await harness.park(test.task.name);
    park.broken.add('destroyMachine');
    const vm = await start();
    const { machineId } = await untilView(vm, ({ state }) => state === 'running');
    const { cliPath, address } = harness.server;
    const where = ['--workflow-id', vm.workflowId, '-n', TEST_NAMESPACE, '--address', address];
    const forced = ['workflow', 'signal', '--name', 'destroy', '--input', '{"force": true}', ...where];
    await promisify(execFile)(cliPath, forced);
    const destroying = await untilView(vm, ({ state }) => state === 'destroying');
    expect(destroying).toMatchObject({ reason: 'requested', nextDeadline: { kind: 'forceTimeout' } });
    expect(await failureOf(vm)).toMatchObject({ type: 'requested', message: saying(machineId) });
    expect(park.countOf('destroyMachine')).toBeGreaterThan(2);
    expect(await vm.query(viewQuery)).toMatchObject(LET_GO);
    const story = await vm.query(timelineQuery);
    expect(story.map(({ kind, state }) => `${kind} ${state}`).slice(-3)).toEqual([
      'state destroying',
      'forced destroying',
      'state failed',
    ]);
    expect(park.machines.has(machineId)).toBe(true);
  });

  it('lets go at once when its destroy has taken too long already', async (test) => {
    const { park, start } = await harness.park(test.task.name);
    park.broken.add('destroyMachine');
    const vm = await start();
    await untilView(vm, ({ state }) => state === 'running');
    await vm.executeUpdate('destroy');
    const { updatedAt } = await vm.query(viewQuery);
    await untilView(vm, () => Date.now() > Date.parse(updatedAt) + TIMEOUTS.forcedDestroySeconds * 1000, 40_000);
    const answer = await vm.executeUpdate('destroy', { args: [{ force: true }] });
    expect(answer).toMatchObject({ reason: 'requested', detail: saying('forced') });
    const begun = Date.now();
    await failureOf(vm);
    expect(Date.now() - begun).toBeLessThan(10_000);
  });

  it('ends even while its create hangs and does not hear that it is cancelled', async (test) => {
    const { park, start } = await harness.park(test.task.name);
    park.faults.push({ name: 'createMachine', kind: 'deaf' });
    const vm = await start();
    await untilView(vm, ({ state }) => state === 'creating' && park.countOf('createMachine') > 0);
    await vm.signal('destroy', { force: true });
    await failureOf(vm);
    expect(await vm.query(viewQuery)).toMatchObject(LET_GO);
    park.wake();
  });

  it('is an ordinary VM when force finds the machine gone in time', async (test) => {
    const { park, start } = await harness.park(test.task.name);
    park.faults.push({ name: 'destroyMachine', kind: 'fail' });
    const vm = await start();
    await untilView(vm, ({ state }) => state === 'running');
    await vm.signal('destroy', { force: true });
    expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'requested' });
  });

  it('frees its name through the API, and the sweeper removes the machine once the permission is back', async () => {
    await withLocalMachines(async ({ provider, permission, api, sweep }) => {
      const name = uniqueName('lobby');
      const path = `/v1/vms/${name}`;
      const body = { name, template: 'chat' };
      const first = (await api.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { body })).body;
      const machineId = first.machineId!;
      permission.isLost = true;
      expect((await api.call('DELETE', path)).status).toBe(202);
      const stuck = await eventually('why it is stuck', async () => {
        const vm = (await api.call('GET', path)).body;
        return vm.detail?.includes('permissionDenied') ? vm : undefined;
      });
      expect(stuck.state).toBe('destroying');
      for (const key of [api.keys.operator, api.keys.viewer]) {
        const refused = await api.call('DELETE', `${path}?force=true`, { key });
        expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
      }
      const ended = await api.call('DELETE', `${path}?force=true&wait=destroyed&timeoutSeconds=90`, {
        key: api.keys.admin,
      });
      expect([ended.status, ended.body.state, ended.body.reason]).toEqual([200, 'failed', 'requested']);
      expect(ended.body.detail).toContain(machineId);
      const { events } = (await api.call('GET', `${path}/timeline`)).body;
      expect(events.at(-1)).toMatchObject({ state: 'failed', detail: saying('sweeper') });

      const second = await api.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { body });
      expect([second.status, second.body.state]).toEqual([201, 'running']);
      expect(second.body.machineId).not.toBe(machineId);

      const { signal } = new AbortController();
      const tokens = new AgentTokens(loadDeploymentSecret(api.settings), api.settings.deployment);
      const subject = { workflowId: vmWorkflowId('default', name), machineId };
      const report = { sequence: 99, connections: 7, ready: true, calmMs: 0, forwarded: null };
      const late = { key: tokens.issue('report', subject, Date.now()), body: report };
      expect((await api.call('POST', '/v1/agent/report', late)).status).toBe(401);
      const secret = tokens.issue('bootstrap', subject, Date.now());
      const exchange = { key: null, body: { secret, nonce: uniqueName('nonce') } };
      expect((await api.call('POST', '/v1/agent/exchange', exchange)).status).toBe(401);
      const handle = harness.server.client.workflow.getHandle(subject.workflowId);
      await handle.signal('report', { machineId, sequence: 99, connections: 7, sentAt: Date.now() });
      await handle.signal('machineLost', { machineId });
      expect((await api.call('GET', `${path}?fresh=true`)).body).toMatchObject({
        state: 'running',
        connections: 0,
        machineId: second.body.machineId,
      });

      const refusedSweep = await sweep(machineId);
      expect(refusedSweep).toMatchObject({ verdict: 'orphan', action: 'destroyFailed', vm: name });
      expect(await provider.describe(machineId, { signal })).toMatchObject({ status: 'running' });
      permission.isLost = false;
      expect(await sweep(machineId)).toMatchObject({ verdict: 'orphan', action: 'destroyed' });
      expect(await provider.describe(machineId, { signal })).toBeUndefined();
      expect(await provider.describe(second.body.machineId!, { signal })).toMatchObject({ status: 'running' });
      expect((await api.call('GET', path)).body).toMatchObject({ state: 'running', uid: second.body.uid });
    });
  });

  it('is kept by Temporal when no worker runs, and the answer does not wait for one', async () => {
    const api = await startTestApi(harness.server, uniqueName('no-worker'));
    try {
      const name = uniqueName();
      await api.call('POST', '/v1/vms', { body: { name, template: 'chat' } });
      const answer = await api.call('DELETE', `/v1/vms/${name}?force=true`, { key: api.keys.admin });
      expect([answer.status, answer.body.state]).toEqual([202, 'creating']);
    } finally {
      await api.close();
    }
  });
});

interface LocalMachines {
  provider: MachineProvider;
  /** Without it the provider destroys nothing. */
  permission: { isLost: boolean };
  api: TestApi;
  /** Sweeps, and tells what was found of one machine. */
  sweep: (machineId: string) => Promise<SweepReport['machines'][number] | undefined>;
}

/** Real local machines behind the real activities, sweeper, workflow and API. */
async function withLocalMachines(live: (parts: LocalMachines) => Promise<void>): Promise<void> {
  const { server } = harness;
  const stateDir = await mkdtemp(join(tmpdir(), 'eph-'));
  const queue = uniqueName('forced');
  const vmServerFile = await buildVmServer();
  const options = { stateDir, deployment: queue, hostId: 'host', vmServerFile, agentTransport: 'unix' } as const;
  const permission = { isLost: false };
  const provider = withPermission(createLocalProvider(options), permission);
  const signals = temporalVmSignals(server.client);
  const links = new AgentLinks({ provider, signals, log: pino({ level: 'silent' }) });
  const ledgerOptions = { client: server.client, signals, provider: 'local', host: 'host', controlTaskQueue: queue };
  const api = await startTestApi(server, queue);
  const activities = {
    ...createMachineActivities({ provider, links, issueBootstrap: null, ...checkedStarts(startedBy(api)) }),
    ...createSweepActivities({
      provider,
      links,
      ledger: temporalVmLedger(ledgerOptions),
      now: Date.now,
    }),
  };
  const stops = [
    await runWorker(server, { taskQueue: queue, workflowBundle: await workflowBundle() }),
    await runHost(server, queue, activities),
  ];
  const sweep: LocalMachines['sweep'] = async (machineId) => {
    const input: SweepInput = { dryRun: false, providers: ['local'] };
    const workflowId = `sweep/${queue}/${randomUUID()}`;
    const options = { workflowId, taskQueue: queue, args: [input] as [SweepInput] };
    const reports = await server.client.workflow.execute<(input: SweepInput) => Promise<SweepReport[]>>(
      'sweep',
      options,
    );
    return reports[0]?.machines.find((machine) => machine.machineId === machineId);
  };
  try {
    await live({ provider, permission, api, sweep });
  } finally {
    permission.isLost = false;
    const { signal } = new AbortController();
    for (const { machineId } of await provider.list({ signal })) await provider.destroy(machineId, { signal });
    await api.close();
    await Promise.all(stops.map((stop) => stop()));
    await links.stop(1000);
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** Hosts take what this API starts. */
function startedBy({ settings }: TestApi): StartingDeployment {
  return { secret: loadDeploymentSecret(settings), deployment: settings.deployment };
}

function withPermission(provider: MachineProvider, permission: { isLost: boolean }): MachineProvider {
  return {
    name: provider.name,
    create: (request, call) => provider.create(request, call),
    describe: (machineId, call) => provider.describe(machineId, call),
    list: (call) => provider.list(call),
    readConsole: (machineId, wanted, call) => provider.readConsole(machineId, wanted, call),
    destroy: async (machineId, call) => {
      if (permission.isLost) throw new ProviderError('permissionDenied', 'machines.destroy is not granted');
      await provider.destroy(machineId, call);
    },
  };
}
