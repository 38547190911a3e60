/** Claims from a pool whose machines wait on two hosts, of which one or both are away. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPoolActivities } from '../../../activities/control/pool-activities.ts';
import { createTemplateActivities } from '../../../activities/control/template-activities.ts';
import { poolListSchema } from '../../../api/schemas/pool.ts';
import type { MachineActivities } from '../../../domain/machine/activities.ts';
import type { MachineFacts } from '../../../domain/machine/provider.ts';
import { hostMachineTaskQueue, warmWorkflowId } from '../../../domain/wire-names.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';
import { startTestApi, type ApiAnswer, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';
import { startLeasedHost, type LeasedHost } from '../../../test-support/workflow/leased-host.ts';
import { runHost, runWorker, workflowBundle } from '../../../test-support/workflow/vm-harness.ts';
import { temporalTemplates } from '../../../worker/temporal/temporal-templates.ts';

interface Host extends LeasedHost {
  park: FakeMachines;
  serve: () => Promise<void>;
  /** Its worker is gone; the registry hears of it when its lease ends. */
  goDown: () => Promise<void>;
}

const QUEUE = `away-${randomUUID().slice(0, 8)}`;
let server: TestServer;
let api: TestApi;
let hosts: Host[];
let laterMs = 0;
let stopControl: () => Promise<void>;

beforeAll(async () => {
  server = await startTestServer();
  const nothing = (): Promise<void> => Promise.resolve();
  const listed = () =>
    hosts.map(({ hostId }) => ({ hostId, zone: null, labels: {}, state: 'ready', providers: ['local'] }) as const);
  const activities = {
    ...{ releaseMachines: nothing, drainHost: nothing, evictWarmMachines: nothing },
    ...createTemplateActivities(temporalTemplates(server.client, QUEUE)),
    ...createPoolActivities(() => Promise.resolve(listed())),
  };
  stopControl = await runWorker(server, { taskQueue: QUEUE, workflowBundle: await workflowBundle(), activities });
  hosts = await Promise.all([startHost(), startHost()]);
  api = await startTestApi(server, QUEUE, { now: () => Date.now() + laterMs });
  const warm = { min: 4, max: 4, ttlSeconds: 600 };
  const body = { spec: { image: 'vm-server', ports: [{ name: 'http', port: 8080 }] }, warm };
  expect((await api.call('PUT', '/v1/templates/chat', { body })).status).toBeLessThan(300);
  await eventually(() => expect(hosts.map(({ park }) => park.machines.size)).toEqual([2, 2]));
  await untilPool({ ready: 4 });
});
afterAll(async () => {
  await api.close();
  await Promise.all(hosts.flatMap(({ goDown, stop }) => [goDown(), stop()]));
  await stopControl();
  await server.stop();
});

async function startHost(): Promise<Host> {
  const leased = await startLeasedHost(server, { queue: QUEUE, beats: true });
  const park = new FakeMachines();
  const queue = hostMachineTaskQueue('local', leased.hostId, QUEUE);
  const here = (facts: MachineFacts): MachineFacts => ({ ...facts, host: leased.hostId, queue });
  const activities: MachineActivities = {
    ...park.activities(),
    createMachine: async (input) => here(await park.createMachine(input)),
    adoptMachine: async (input) => here(await park.adoptMachine(input)),
  };
  let stop: (() => Promise<void>) | undefined;
  const host: Host = {
    ...leased,
    park,
    serve: async () => {
      stop = await runHost(server, QUEUE, activities, leased.hostId);
    },
    goDown: async () => {
      await stop?.();
      stop = undefined;
    },
  };
  await host.serve();
  return host;
}

async function pool() {
  const { body } = await api.call('GET', '/v1/pools');
  return poolListSchema.parse(body).pools.find(({ template }) => template === 'chat');
}
async function untilPool(wanted: object, ms?: number): Promise<void> {
  await eventually(async () => expect(await pool()).toMatchObject(wanted), ms);
}
async function untilHosts(...states: string[]): Promise<void> {
  await eventually(async () => {
    const answer = JSON.parse((await api.call('GET', '/v1/hosts')).text) as { hosts: { id: string; state: string }[] };
    expect(hosts.map(({ hostId }) => answer.hosts.find(({ id }) => id === hostId)?.state)).toEqual(states);
  });
}
/** Machines that are neither of these nor wait in the pool, each with what was asked of it. */
async function nobodysBut(machineIds: readonly string[]): Promise<string[]> {
  const all = hosts.flatMap(({ park }) => [...park.machines.keys()].map((machineId) => ({ park, machineId })));
  const nobodys = all.map(async ({ park, machineId }) => {
    if (machineIds.includes(machineId)) return [];
    const { status } = await server.client.workflow.getHandle(warmWorkflowId(machineId)).describe();
    const calls = park.calls.filter((call) => call.machineId === machineId).map(({ name }) => name);
    return status.name === 'RUNNING' ? [] : [`${machineId}: ${calls.join()}`];
  });
  return (await Promise.all(nobodys)).flat();
}
/** As the fields of a VM that matter here. */
const whatCameOf = ({ status, body: { state, startedFrom, host } }: ApiAnswer) => ({
  status,
  state,
  startedFrom,
  host,
});
const create = (
  headers: Record<string, string> = {},
  path = '/v1/vms?wait=ready&timeoutSeconds=60',
): Promise<ApiAnswer> => api.call('POST', path, { body: { template: 'chat' }, headers });

describe('a create from a template whose warm machines are on two hosts', () => {
  it('that is granted one on a host which died a moment ago gets another one within the time of a handover', async () => {
    const [alive, dead] = hosts as [Host, Host];
    await dead.goDown();
    const made = await Promise.all(Array.from({ length: 4 }, () => create()));
    const seen = made.map(whatCameOf);
    expect(seen.map(({ host }) => host)).toEqual(Array(4).fill(alive.hostId));
    expect(seen.map(({ startedFrom }) => startedFrom).sort()).toEqual(['new', 'new', 'warm', 'warm']);
    // What it could not hand over goes as soon as it is there again, and others wait instead.
    await dead.serve();
    await untilPool({ ready: 4 }, 60_000);
    const machineIds = made.map(({ body }) => body.machineId ?? '');
    await eventually(async () => expect(await nobodysBut(machineIds)).toEqual([]), 60_000);
  }, 150_000);

  it('gets none that waits on a host which is away, and a machine of another host all the same', async () => {
    const [alive, away] = hosts as [Host, Host];
    await away.goDown();
    await away.leave();
    await untilHosts('ready', 'away');
    const there = new Set(away.park.machines.keys());
    const made = await Promise.all(Array.from({ length: 4 }, () => create()));
    for (const one of made)
      expect(whatCameOf(one)).toMatchObject({ status: 201, state: 'running', host: alive.hostId });
    expect(made.map(({ body }) => body.machineId).filter((machineId) => there.has(machineId ?? ''))).toEqual([]);
    const stories = await Promise.all(made.map(({ body }) => api.call('GET', `/v1/vms/${body.name}/timeline`)));
    expect(stories.map(({ text }) => text).join(), 'none was even granted').not.toContain('is not to be had');
  }, 100_000);

  it('is refused while both are away, with what waits left as it is; or done when one is back, where it prefers that', async () => {
    const [last, away] = hosts as [Host, Host];
    await last.goDown();
    await last.leave();
    await untilHosts('away', 'away');
    laterMs = 20_000;
    const before = await pool();
    expect(before?.ready).toBeGreaterThan(0);
    const refused = await create();
    expect([refused.status, refused.body.code]).toEqual([503, 'providerUnavailable']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    const later = await create({ prefer: 'respond-async' }, '/v1/vms');
    expect(later.status, later.text).toBe(202);
    const request = async () => JSON.parse((await api.call('GET', later.headers.get('location') ?? '')).text) as object;
    await eventually(async () => expect(await request()).toMatchObject({ state: 'queued' }));
    expect((await pool())?.claimed).toBe(before?.claimed);
    laterMs = 0;
    await away.serve();
    await away.arrive();
    await untilHosts('away', 'ready');
    await eventually(async () => expect(await request()).toMatchObject({ state: 'done' }), 60_000);
    const { result } = (await request()) as { result: { vm: { name: string } } };
    expect(whatCameOf(await api.call('GET', `/v1/vms/${result.vm.name}`))).toMatchObject({
      state: 'running',
      host: away.hostId,
    });
  }, 150_000);
});
