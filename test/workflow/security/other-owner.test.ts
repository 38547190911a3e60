/** A workflow that is no VM owns machines: links, signatures and sweeps know it by its id alone. Real local machines. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createMachineActivities } from '../../../activities/machine/machine-activities.ts';
import { reconcileMachines } from '../../../activities/machine/sweep/sweep-machines.ts';
import type { MachineProvider } from '../../../domain/machine/provider.ts';
import type { SweepReport } from '../../../domain/machine/sweep.ts';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import { createLocalProvider } from '../../../providers/local/local-provider.ts';
import { AgentLinks } from '../../../worker/links/agent-links.ts';
import { temporalVmSignals } from '../../../worker/links/vm-signals.ts';
import { temporalVmLedger } from '../../../worker/temporal/temporal-vm-ledger.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { machineRequest } from '../../../test-support/machines/local-harness.ts';
import { checkedStarts, signatureFor } from '../../../test-support/signed-start.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';
import { runHost, runWorker, testSpec } from '../../../test-support/workflow/vm-harness.ts';
import { endSignal, moveOnSignal, readyQuery, type warm } from '../../../test-support/workflow/warm-workflow.ts';

const { signal } = new AbortController();
const spec = testSpec();
let server: TestServer;
let queue: string;
let provider: MachineProvider;
let links: AgentLinks;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = await startTestServer();
  queue = `owner-${randomUUID().slice(0, 8)}`;
  const stateDir = await mkdtemp(join(tmpdir(), 'eph-'));
  const vmServerFile = await buildVmServer();
  provider = createLocalProvider({ stateDir, deployment: queue, hostId: 'host', vmServerFile, agentTransport: 'unix' });
  links = new AgentLinks({ provider, signals: temporalVmSignals(server.client), log: pino({ level: 'silent' }) });
  const activities = createMachineActivities({ provider, links, issueBootstrap: null, ...checkedStarts() });
  const workflowsPath = fileURLToPath(new URL('../../../test-support/workflow/warm-workflow.ts', import.meta.url));
  stops.push(await runWorker(server, { taskQueue: queue, workflowsPath }), await runHost(server, queue, activities));
  stops.push(() => rm(stateDir, { recursive: true, force: true }));
});
afterEach(async () => {
  for (const { machineId } of await provider.list({ signal })) await provider.destroy(machineId, { signal });
});
afterAll(async () => {
  for (const stop of stops) await stop();
  await links.stop(100);
  await server.stop();
});

async function startWarm() {
  const workflowId = `warm/t/${randomUUID().slice(0, 8)}`;
  const input = { spec, signature: signatureFor({ workflowId, spec }) };
  return server.client.workflow.start<typeof warm>('warm', { workflowId, taskQueue: queue, args: [input] });
}

type Warm = Awaited<ReturnType<typeof startWarm>>;

async function readyMachineOf(owner: Warm, other?: string): Promise<string> {
  let ready: string | null = null;
  await eventually(async () => {
    ready = await owner.query(readyQuery);
    expect(ready ?? other).not.toBe(other);
  }, 20_000);
  return ready!;
}

/** What a host does at its start and with every sweep, a minute from now: then no machine is too young to judge. */
function sweep(of: MachineProvider = provider): Promise<SweepReport> {
  const signals = temporalVmSignals(server.client);
  const about = { provider: 'local', host: 'host', controlTaskQueue: queue };
  const ledger = temporalVmLedger({ client: server.client, signals, ...about });
  const warn = (message: string, { error }: { error: unknown }): void => console.warn(message, error);
  return reconcileMachines({ provider: of, links, ledger, now: () => Date.now() + 60_000 }, { signal, warn });
}

it('its machine is made, gets ready over its link, is spared by sweeps while it runs, and goes at its end', async () => {
  const owner = await startWarm();
  const machineId = await readyMachineOf(owner);
  expect(await provider.list({ signal })).toMatchObject([
    { machineId, labels: { owner: owner.workflowId, uid: owner.firstExecutionRunId } },
  ]);
  expect(await sweep()).toMatchObject({ owned: 1, machines: [], lost: [] });
  await owner.signal(endSignal);
  await owner.result();
  expect(await provider.list({ signal })).toEqual([]);
});

it('its machine goes with the next sweep once it was terminated, and one that it left when it took another', async () => {
  const owner = await startWarm();
  const first = await readyMachineOf(owner);
  await owner.signal(moveOnSignal);
  const second = await readyMachineOf(owner, first);
  const { workflowId } = owner;
  const orphan = { owner: workflowId, verdict: 'orphan', action: 'destroyed' };
  expect(await sweep()).toMatchObject({ owned: 1, machines: [{ machineId: first, ...orphan }] });
  expect(await provider.list({ signal })).toMatchObject([{ machineId: second, status: 'running' }]);
  await owner.terminate('by a person');
  expect(await sweep()).toMatchObject({ owned: 0, machines: [{ machineId: second, ...orphan }] });
  expect(await provider.list({ signal })).toEqual([]);
});

it('a machine that it left behind goes also where its host has a clock far ahead', async () => {
  const owner = await startWarm();
  await readyMachineOf(owner);
  const uid = owner.firstExecutionRunId;
  const machine = machineRequest({ owner: owner.workflowId, uid });
  const earlier = machineRequest({ owner: owner.workflowId, uid: randomUUID() });
  for (const one of [machine, earlier]) await provider.create(one, { signal });
  await owner.signal(endSignal);
  await owner.result();
  const ahead = async (): ReturnType<MachineProvider['list']> =>
    (await provider.list({ signal })).map((one) => ({ ...one, createdAt: Date.now() + 30_000 }));
  const swept = await sweep({
    name: provider.name,
    list: ahead,
    create: (request, call) => provider.create(request, call),
    describe: (machineId, call) => provider.describe(machineId, call),
    destroy: (machineId, call) => provider.destroy(machineId, call),
    readConsole: (machineId, wanted, call) => provider.readConsole(machineId, wanted, call),
  });
  const found = Object.fromEntries(
    swept.machines.map(({ machineId, verdict, action }) => [machineId, { verdict, action }]),
  );
  expect(found).toEqual({
    [machine.machineId]: { verdict: 'orphan', action: 'destroyed' },
    [earlier.machineId]: { verdict: 'unattributed', action: 'none' },
  });
});

it('a machine of an owner of which Temporal knows nothing is never touched', async () => {
  const { machineId } = await provider.create(machineRequest({ owner: 'warm/t/1' }), { signal });
  const found = { machineId, owner: 'warm/t/1', project: '', verdict: 'unattributed', action: 'none' };
  expect(await sweep()).toMatchObject({ owned: 0, machines: [found] });
  expect(await provider.describe(machineId, { signal })).toMatchObject({ status: 'running' });
});
