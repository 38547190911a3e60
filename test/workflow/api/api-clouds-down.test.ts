/** Creates while nothing makes machines of a cloud: no worker serves it, or it refuses whatever it is asked. */
import { ApplicationFailure } from '@temporalio/activity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPoolActivities } from '../../../activities/control/pool-activities.ts';
import { createTemplateActivities } from '../../../activities/control/template-activities.ts';
import { poolListSchema } from '../../../api/schemas/pool.ts';
import type { MachineActivities } from '../../../domain/machine/activities.ts';
import { bootTaskQueueOf, machineTaskQueue, maintenanceTaskQueueOf } from '../../../domain/wire-names.ts';
import { gcp } from '../../../providers/gcp/descriptor.ts';
import { ownSettings } from '../../../providers/lookup.ts';
import { eventually } from '../../../test-support/eventually.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';
import { startTestApi, uniqueName, type ApiAnswer, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { runWorker, startVmHarness, type VmHarness } from '../../../test-support/workflow/vm-harness.ts';
import { temporalTemplates } from '../../../worker/temporal/temporal-templates.ts';

let harness: VmHarness;
let api: TestApi;
let park: FakeMachines;
let queue: string;
let isRefusing = false;
let laterMs = 0;
let stopCloud: () => Promise<void>;
let stopPools: () => Promise<void>;

beforeAll(async () => {
  harness = await startVmHarness();
  ({ park, queue } = await harness.park('clouds that are down'));
  stopCloud = await serveCloud();
  const activities = {
    ...createTemplateActivities(temporalTemplates(harness.server.client, queue)),
    ...createPoolActivities(() => Promise.resolve([])),
  };
  stopPools = await runWorker(harness.server, { taskQueue: queue, activities });
  api = await startTestApi(harness.server, queue, {
    now: () => Date.now() + laterMs,
    pollMs: 200,
    change: (settings) => {
      settings.providers = ['local', 'gcp'];
      ownSettings(settings, gcp).project = 'p1';
    },
  });
});
afterAll(async () => {
  await api.close();
  await Promise.all([stopCloud(), stopPools()]);
  await harness.stop();
});

/** The worker of a cloud, which refuses every create while it is told to. */
async function serveCloud(): Promise<() => Promise<void>> {
  const activities: MachineActivities = {
    ...park.activities(),
    createMachine: async (input) => {
      if (isRefusing) throw ApplicationFailure.retryable('503 of the cloud', 'backendUnavailable');
      return { ...(await park.createMachine(input)), host: null, zone: zones[0] ?? null };
    },
    adoptMachine: async (input) => ({ ...(await park.adoptMachine(input)), host: null, zone: zones[0] ?? null }),
  };
  const creates = machineTaskQueue('gcp', queue);
  const queues = [creates, bootTaskQueueOf(creates), maintenanceTaskQueueOf(creates)];
  const stops = await Promise.all(queues.map((taskQueue) => runWorker(harness.server, { taskQueue, activities })));
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

const zones = ['europe-west4-a'];
const create = (name: string, headers: Record<string, string> = {}): Promise<ApiAnswer> =>
  api.call('POST', '/v1/vms', { body: { name, template: 'chat', provider: 'gcp', zones }, headers });
/** A template of the cloud in whose pool one machine waits. */
async function newPool(): Promise<string> {
  const template = uniqueName('arena');
  const spec = { image: 'vm-server', provider: 'gcp', zones, ports: [{ name: 'http', port: 8080 }] };
  const warm = { min: 1, max: 1, ttlSeconds: 600 };
  const put = await api.call('PUT', `/v1/templates/${template}`, { body: { spec, warm, reuse: 'shared' } });
  expect(put.status, put.text).toBeLessThan(300);
  await eventually(async () => {
    const { pools } = poolListSchema.parse((await api.call('GET', '/v1/pools')).body);
    expect(pools.find((one) => one.template === template)).toMatchObject({ ready: 1 });
  }, 60_000);
  return template;
}

const stateOf = async (name: string) => (await api.call('GET', `/v1/vms/${name}`)).body.state;
const requestOf = async (answer: ApiAnswer) =>
  JSON.parse((await api.call('GET', answer.headers.get('location') ?? '')).text) as {
    state: string;
    waitsFor?: string;
  };

/** Creates now and then until one is refused; the answer is that refusal. */
async function untilRefused(): Promise<ApiAnswer> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const name = uniqueName();
    const answer = await create(name);
    if (answer.status === 503) return answer;
    if (Date.now() > deadline) throw new Error('no create was ever refused');
    await api.call('DELETE', `/v1/vms/${name}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** What must hold of each refusal, and of a request that may wait instead; it is done once the cloud works again. */
async function expectHeldBack(refused: ApiAnswer, why: string): Promise<ApiAnswer> {
  expect(refused.body.code).toBe('providerUnavailable');
  expect(refused.body.detail).toContain(why);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  const name = uniqueName();
  expect((await create(name)).status).toBe(503);
  expect((await api.call('GET', `/v1/vms/${name}`)).status).toBe(404);
  const kept = await create(uniqueName(), { prefer: 'respond-async' });
  expect(kept.status, kept.text).toBe(202);
  await eventually(async () =>
    expect(await requestOf(kept)).toMatchObject({
      ...{ state: 'queued', waitsFor: expect.stringMatching(/^providerUnavailable: /) as string },
    }),
  );
  return kept;
}

describe('while nothing makes machines of a cloud', () => {
  it('as it refuses every create, more of them are refused, and those that wait get their machines once it works', async () => {
    const pools = [await newPool(), await newPool()];
    isRefusing = true;
    const names = Array.from({ length: 3 }, () => uniqueName());
    for (const name of names) expect((await create(name)).status).toBe(201);
    const kept = await expectHeldBack(await untilRefused(), 'gcp refuses every create in europe-west4-a');
    const live = await create(names[0]!);
    expect([live.status, live.body.name], 'a VM that is there is the answer').toEqual([200, names[0]]);
    for (const body of [{ template: pools[0] }, { template: pools[1], name: uniqueName() }]) {
      const claimed = await api.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { body });
      expect(claimed.status, claimed.text).toBe(201);
      expect([claimed.body.state, claimed.body.startedFrom]).toEqual(['running', 'warm']);
      const none = await api.call('POST', '/v1/vms', { body: { template: body.template } });
      expect([none.status, none.body.code], 'nobody waits').toEqual([503, 'providerUnavailable']);
    }
    const theirs = { name: uniqueName(), template: 'chat', provider: 'gcp', zones };
    const elsewhere = await api.call('POST', '/v1/vms', { body: theirs, key: api.keys.other });
    expect(elsewhere.status, 'what one project alone was refused refuses no other').toBe(201);
    isRefusing = false;
    await eventually(
      async () => expect(await Promise.all(names.map(stateOf))).toEqual(Array(3).fill('running')),
      60_000,
    );
    await eventually(async () => expect((await requestOf(kept)).state).toBe('done'), 60_000);
    expect((await create(uniqueName())).status).toBe(201);
  });

  it('as no worker serves it, creates are refused until one does', async () => {
    await stopCloud();
    const time = setInterval(() => (laterMs += 2000), 100);
    let kept: ApiAnswer;
    try {
      kept = await expectHeldBack(await untilRefused(), 'No worker has asked for creates of gcp for ');
    } finally {
      clearInterval(time);
    }
    stopCloud = await serveCloud();
    await eventually(async () => expect((await requestOf(kept)).state).toBe('done'), 60_000);
    expect((await create(uniqueName())).status).toBe(201);
  });
});
