/** A template with warm machines: what its pool is told with each change. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPoolActivities } from '../../../activities/control/pool-activities.ts';
import { createTemplateActivities } from '../../../activities/control/template-activities.ts';
import { poolListSchema, type ApiPool } from '../../../api/schemas/pool.ts';
import { templateWorkflowId } from '../../../domain/wire-names.ts';
import { gcp } from '../../../providers/gcp/descriptor.ts';
import { ownSettings } from '../../../providers/lookup.ts';
import { eventually } from '../../../test-support/eventually.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';
import { startTestApi, uniqueName, type ApiAnswer, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { runWorker, startVmHarness, type VmHarness } from '../../../test-support/workflow/vm-harness.ts';
import { temporalTemplates } from '../../../worker/temporal/temporal-templates.ts';
import { createEndedSignal, deleteTemplateSignal } from '../../../workflows/messages.ts';

let harness: VmHarness;
let api: TestApi;
let queue: string;
let park: FakeMachines;
let stopTelling: () => Promise<void>;

const activitiesOf = () => ({
  ...createTemplateActivities(temporalTemplates(harness.server.client, queue)),
  ...createPoolActivities(() => Promise.resolve([])),
});

beforeAll(async () => {
  harness = await startVmHarness();
  ({ park, queue } = await harness.park('template pools'));
  const activities = activitiesOf();
  stopTelling = await runWorker(harness.server, { taskQueue: queue, activities });
  api = await startTestApi(harness.server, queue, {
    change: (settings) => {
      settings.providers = ['local', 'gcp'];
      ownSettings(settings, gcp).project = 'p1';
    },
  });
});
afterAll(async () => {
  await api.close();
  await stopTelling();
  await harness.stop();
});

const WARM = { min: 2, max: 2, ttlSeconds: 600 };
const put = (name: string, warm: object | undefined, spec: object = {}) =>
  api.call('PUT', `/v1/templates/${name}`, { body: { spec: { image: 'vm-server', ...spec }, ...(warm && { warm }) } });

async function untilPool(name: string, wanted: Partial<ApiPool>): Promise<void> {
  await eventually(async () => {
    const { body } = await api.call('GET', '/v1/pools');
    expect(poolListSchema.parse(body).pools.find(({ template }) => template === name)).toMatchObject(wanted);
  }, 30_000);
}

/** A pool that has nothing to do any more ends. */
async function untilEmpty(name: string): Promise<void> {
  await eventually(async () => {
    const { body } = await api.call('GET', '/v1/pools');
    const pool = poolListSchema.parse(body).pools.find(({ template }) => template === name);
    expect(pool ?? { max: 0, ready: 0 }).toMatchObject({ max: 0, ready: 0 });
  }, 30_000);
}

describe('a template with warm machines', () => {
  it('has a pool that follows its versions, goes back with one that is held back, and ends with the template', async () => {
    const name = uniqueName('warm');
    const made = await put(name, WARM);
    expect([made.status, made.body]).toMatchObject([201, { version: 1, warm: WARM }]);
    await untilPool(name, { version: 1, ready: 2, max: 2 });
    const told = {
      labels: { team: 'red' },
      description: 'a room',
      env: { A: '1' },
      secretEnv: { TOKEN: 's3cret-words' },
    };
    const vm = await api.call('POST', '/v1/vms?wait=ready', { body: { template: name, ...told } });
    expect([vm.status, vm.body]).toMatchObject([201, { startedFrom: 'warm', template: { name, version: 1 } }]);
    expect(JSON.stringify(vm.body)).not.toContain('s3cret-words');
    await untilPool(name, { version: 1, ready: 2 });
    const { body: next } = await api.call('POST', '/v1/vms?wait=ready', { body: { template: name } });
    expect(next).toMatchObject({ startedFrom: 'warm', spec: { env: {}, labels: {} } });
    expect(next.spec.sealed).toBeUndefined();
    const template = harness.server.client.workflow.getHandle(templateWorkflowId('default', name, queue));
    await eventually(async () =>
      expect((await api.call('GET', `/v1/templates/${name}`)).body.versions).toMatchObject([{ state: 'good' }]),
    );
    expect((await put(name, { ...WARM, min: 1 }, { cpus: 2 })).body).toMatchObject({ version: 2 });
    await untilPool(name, { version: 2, min: 1 });
    const outcome = { name: 'failed', detail: 'notReady: not ready within 1 s' } as const;
    for (let create = 0; create < 3; create += 1) await template.signal(createEndedSignal, { version: 2, outcome });
    await untilPool(name, { version: 1, min: 2 });
    expect((await put(name, undefined)).body).toMatchObject({ version: 3 });
    await untilEmpty(name);
    expect((await put(name, WARM)).body).toMatchObject({ version: 3, warm: WARM });
    await untilPool(name, { version: 3, ready: 2 });
    expect((await api.call('DELETE', `/v1/templates/${name}`)).status).toBeLessThan(300);
    await untilEmpty(name);
    expect((await put(name, WARM)).body).toMatchObject({ version: 4 });
    await untilPool(name, { version: 4, ready: 2 });
  }, 60_000);

  it('replaces no machine where only warm or reuse changes, and its pool goes by the new limits', async () => {
    const name = uniqueName('warm');
    await put(name, WARM);
    await untilPool(name, { version: 1, ready: 2 });
    const before = [...park.machines.keys()];
    const grown = await put(name, { ...WARM, min: 3, max: 4, ttlSeconds: 900 });
    expect([grown.status, grown.body]).toMatchObject([200, { version: 1, warm: { min: 3 }, versions: [{}] }]);
    await untilPool(name, { version: 1, ready: 3, min: 3, max: 4 });
    expect([...park.machines.keys()]).toEqual(expect.arrayContaining(before));
    const dry = await api.call('PUT', `/v1/templates/${name}?dryRun=true`, {
      body: { spec: { image: 'vm-server' }, reuse: 'shared', warm: { ...WARM, paused: true } },
    });
    expect([dry.status, dry.body]).toMatchObject([200, { version: 1, reuse: 'shared', warm: { paused: true } }]);
    await put(name, { ...WARM, paused: true });
    await untilPool(name, { version: 1, ready: 0, paused: true });
    await put(name, WARM);
    await untilPool(name, { version: 1, ready: 2 });
  }, 60_000);

  it('is refused where the provider cannot, and where the numbers contradict each other', async () => {
    // Nobody could tell them their variables, or keep their users out until then.
    const refusals = [
      [{ image: 'container:docker.io/library/redis:8' }, 'body.warm: a container does not support warm machines'],
      [
        { image: 'vm-server', ports: [{ name: 'http', port: 8080 }], readiness: { kind: 'tcp' } },
        'body.warm: gcp hands it to the agent, which readiness tcp',
      ],
    ] as const;
    for (const [spec, why] of refusals) {
      const cloud = await put(uniqueName('warm'), WARM, { provider: 'gcp', zones: ['europe-west4-a'], ...spec });
      expect([cloud.status, cloud.body.code]).toEqual([400, 'unsupportedOption']);
      expect(cloud.body.detail).toContain(why);
    }
    const wrong = await put(uniqueName('warm'), { min: 3, max: 2, ttlSeconds: 0 });
    expect([wrong.status, wrong.body.code]).toEqual([400, 'invalidRequest']);
    const turned = await put(uniqueName('warm'), { ...WARM, min: 3 });
    expect(turned.body.fields).toEqual([{ field: 'body.warm.max', problem: 'must be at least min' }]);
  });

  it('has a schedule; one that never fires, that nobody can read, or that contradicts its limits is refused', async () => {
    const scheduled = (entry: object): Promise<ApiAnswer> =>
      put(`${uniqueName('warm')}?dryRun=true`, { ...WARM, max: 4, schedule: [{ cron: '0 8 * * 1-5', min: 3 }, entry] });
    const refusals = [
      [{ cron: '0 0 30 2 *', min: 1 }, 'cron', 'never fires'],
      [{ cron: '0 0 * *', min: 1 }, 'cron', 'must be five fields: minute, hour, day of month, month and weekday'],
      [
        { cron: '0 8 * * *', timezone: 'Mars/Base', min: 1 },
        'timezone',
        'must be the IANA name of a time zone, such as Europe/Berlin',
      ],
      [{ cron: '0 8 * * *', min: 5 }, 'min', 'must be at most warm.max, or give a max'],
      [{ cron: '0 8 * * *', min: 5, max: 4 }, 'min', 'must be at most max'],
    ] as const;
    for (const [entry, field, problem] of refusals) {
      const { status, body } = await scheduled(entry);
      expect([status, body.code]).toEqual([400, 'invalidRequest']);
      expect(body.fields).toEqual([{ field: `body.warm.schedule.1.${field}`, problem }]);
    }
    const good = await scheduled({ cron: '0 20 * * *', timezone: 'Europe/Berlin', min: 0, max: 9 });
    expect([good.status, good.body]).toMatchObject([201, { warm: { schedule: [{ min: 3 }, { min: 0, max: 9 }] } }]);
  });

  it('tells its pool before it closes, also where nobody carried that out for a while', async () => {
    const name = uniqueName('warm');
    await put(name, WARM);
    await untilPool(name, { version: 1 });
    await stopTelling();
    const { workflow } = harness.server.client;
    const template = workflow.getHandle(templateWorkflowId('default', name, queue));
    await template.signal(deleteTemplateSignal);
    expect((await api.call('GET', `/v1/templates/${name}`)).status).toBeLessThan(500);
    const activities = activitiesOf();
    stopTelling = await runWorker(harness.server, { taskQueue: queue, activities });
    await template.result();
    await untilEmpty(name);
  }, 60_000);
});
