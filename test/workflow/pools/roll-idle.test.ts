/** VMs of earlier versions that make room for a newer one, through the API. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPoolActivities } from '../../../activities/control/pool-activities.ts';
import { createTemplateActivities } from '../../../activities/control/template-activities.ts';
import type { ApiTemplate } from '../../../api/schemas/template.ts';
import type { ApiVm } from '../../../api/schemas/vm.ts';
import { templateWorkflowId } from '../../../domain/wire-names.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { uniqueName } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import { templateScene } from '../../../test-support/workflow/template-scene.ts';
import { comeAndGo, setUsers } from '../../../test-support/workflow/usage-scene.ts';
import { runWorker, startVmHarness, untilView } from '../../../test-support/workflow/vm-harness.ts';
import { temporalTemplates } from '../../../worker/temporal/temporal-templates.ts';
import { createEndedSignal, firstWarmSignal, putTemplateSignal, rollOverSignal } from '../../../workflows/messages.ts';

let scene: ApiScene;
let stopTelling: () => Promise<void>;
beforeAll(async () => {
  scene = await startApiScene('idle VMs roll over');
  stopTelling = await startTelling();
});
afterAll(async () => {
  await stopTelling();
  await scene.stop();
});

/** `lookMs`: between its two looks for VMs. */
function startTelling(lookMs = 500): Promise<() => Promise<void>> {
  const activities = {
    ...createTemplateActivities({ ...temporalTemplates(scene.server.client, scene.queue), lookMs }),
    ...createPoolActivities(() => Promise.resolve([])),
  };
  return runWorker(scene.server, { taskQueue: scene.queue, activities });
}

const users = () => ({ client: scene.server.client, park: scene.park });
type Put = { rollIdle?: boolean; cpus?: number; idle?: object; warm?: object; key?: string };

async function put(name: string, { cpus = 1, idle = { timeoutSeconds: 600 }, key, ...more }: Put = {}) {
  const body = { spec: { image: 'vm-server', ports: [{ name: 'http', port: 8080 }], cpus, idle }, ...more };
  const { status, body: template } = await scene.api.call('PUT', `/v1/templates/${name}`, {
    body,
    ...(key && { key }),
  });
  expect(status).toBeLessThan(202);
  return template as unknown as ApiTemplate;
}

async function create(template: string, { key, ...body }: { key?: string; name?: string } = {}): Promise<ApiVm> {
  const path = '/v1/vms?wait=ready&timeoutSeconds=60';
  const made = await scene.api.call('POST', path, { body: { template, ...body }, ...(key && { key }) });
  expect([made.status, made.body.state]).toEqual([201, 'running']);
  return made.body;
}

const see = async ({ name }: ApiVm, key?: string): Promise<ApiVm> =>
  (await scene.api.call('GET', `/v1/vms/${name}?fresh=true`, { ...(key && { key }) })).body;

/** Until each of the VMs knows of the version. */
async function untilTold(vms: readonly ApiVm[], newerVersion: number | undefined): Promise<void> {
  await eventually(async () => {
    const seen = await Promise.all(vms.map((vm) => see(vm)));
    expect(seen.map((vm) => vm.newerVersion)).toEqual(vms.map(() => newerVersion));
  });
}

async function untilIn(state: string, vms: readonly ApiVm[]): Promise<ApiVm[]> {
  let seen: ApiVm[] = [];
  await eventually(async () => {
    seen = await Promise.all(vms.map((vm) => see(vm)));
    expect(seen.map((vm) => vm.state)).toEqual(vms.map(() => state));
  }, 90_000);
  return seen;
}

describe('a template with rollIdle', () => {
  it('has idle VMs of earlier versions end soon after the new one was ready, and no others', async () => {
    const name = uniqueName('roll');
    expect(await put(name, { rollIdle: true })).toMatchObject({ version: 1, rollIdle: true });
    const key = scene.api.keys.other;
    await put(name, { rollIdle: true, key });
    const foreign = await create(name, { key });
    await comeAndGo(users(), foreign);
    const make = (count: number): Promise<ApiVm[]> => Promise.all(Array.from({ length: count }, () => create(name)));
    const [idle, [busy, held, stopped, awaited]] = await Promise.all([make(3), make(4)]);
    const pinned = await create(`${name}@1`);
    await Promise.all([...idle, held!, stopped!, pinned].map((vm) => comeAndGo(users(), vm)));
    await setUsers(users(), busy!, 2);
    await scene.api.call('POST', `/v1/vms/${held!.name}/hold`, { body: { seconds: 3600 } });
    expect((await scene.api.call('POST', `/v1/vms/${stopped!.name}/stop`)).status).toBeLessThan(300);
    await untilIn('stopped', [stopped!]);

    expect(await put(name, { rollIdle: true, cpus: 2 })).toMatchObject({
      version: 2,
      versions: [{}, { state: 'unproven' }],
    });
    await untilTold([...idle, busy!], undefined);
    const fresh = await create(name);
    await comeAndGo(users(), fresh);
    await untilTold([...idle, busy!, held!, awaited!], 2);
    const detail = `version 2 of the template ${name} serves`;
    expect(await see(idle[0]!)).toMatchObject({
      ...{ state: 'running', aliveBecause: 'rollOverGrace', template: { name, version: 1 } },
      nextDeadline: { kind: 'idle', detail },
    });
    expect(await see(busy!)).toMatchObject({ state: 'running', aliveBecause: 'connections', connections: 2 });
    expect(await see(held!)).toMatchObject({ state: 'running', aliveBecause: 'hold' });

    const ended = await untilIn('destroyed', idle);
    expect(ended.map(({ reason }) => reason)).toEqual(['idle', 'idle', 'idle']);
    const { body } = await scene.api.call('GET', `/v1/vms/${idle[0]!.name}/timeline`);
    expect(body.events).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'version', state: 'running' }),
        expect.objectContaining({ kind: 'state', state: 'destroying', reason: 'idle', detail }),
      ]),
    );
    const stays = await untilIn('running', [busy!, held!, awaited!, pinned, fresh]);
    expect(stays.map(({ machineId }) => machineId)).toEqual(
      [busy!, held!, awaited!, pinned, fresh].map(({ machineId }) => machineId),
    );
    expect(await see(pinned)).not.toHaveProperty('newerVersion');
    expect(await see(fresh)).toMatchObject({ aliveBecause: 'idleGrace' });
    expect((await see(stopped!)).state).toBe('stopped');
    const other = await see(foreign, key);
    expect([other.state, other.newerVersion]).toEqual(['running', undefined]);

    // Whoever is left has as little time once all have gone.
    await setUsers(users(), busy!, 0);
    await eventually(async () =>
      expect(await see(busy!)).toMatchObject({ aliveBecause: 'rollOverGrace', nextDeadline: { kind: 'idle', detail } }),
    );
  }, 180_000);

  it('says so without a version of its own, and takes it back where it is put without', async () => {
    const name = uniqueName('roll');
    await put(name);
    const vm = await create(name);
    await comeAndGo(users(), vm);
    await put(name, { cpus: 2 });
    await create(name);
    expect(await put(name, { cpus: 2, rollIdle: true })).toMatchObject({ version: 2, rollIdle: true });
    await untilTold([vm], 2);
    expect(await put(name, { cpus: 2 })).toMatchObject({ version: 2, rollIdle: false });
    await untilTold([vm], undefined);
    expect(await see(vm)).toMatchObject({ state: 'running', aliveBecause: 'idleGrace' });
  }, 60_000);

  it('with a pool begins as soon as a machine of the new version waits, though nobody created anything', async () => {
    const name = uniqueName('roll');
    const warm = { min: 1, max: 2, ttlSeconds: 600 };
    await put(name, { warm, rollIdle: true });
    const vm = await create(name);
    await comeAndGo(users(), vm);
    await put(name, { warm, rollIdle: true, cpus: 2 });
    await untilTold([vm], 2);
    const { body } = await scene.api.call('GET', `/v1/templates/${name}`);
    expect(body).toMatchObject({ servingVersion: 2, versions: [{}, { version: 2, state: 'unproven' }] });
    const template = scene.server.client.workflow.getHandle(templateWorkflowId('default', name, scene.queue));
    const outcome = { name: 'failed', detail: 'notReady: not ready within 1 s' } as const;
    for (let failed = 0; failed < 3; failed += 1) await template.signal(createEndedSignal, { version: 2, outcome });
    await untilTold([vm], undefined);
    expect(await see(vm)).toMatchObject({ state: 'running', aliveBecause: 'idleGrace' });
  }, 60_000);

  it('tells VMs also where no worker was there for a while, and stops nothing for those who wait for it', async () => {
    const name = uniqueName('roll');
    await put(name, { rollIdle: true, idle: { timeoutSeconds: 600, action: 'stop' } });
    const vm = await create(name);
    await comeAndGo(users(), vm);
    await put(name, { rollIdle: true, cpus: 2 });
    await stopTelling();
    await create(name);
    await eventually(async () => {
      const { raw } = await scene.server.client.workflow
        .getHandle(templateWorkflowId('default', name, scene.queue))
        .describe();
      expect(raw.pendingActivities?.map(({ activityType }) => activityType?.name)).toEqual(['rollOverVms']);
    });
    expect(await see(vm)).not.toHaveProperty('newerVersion');
    stopTelling = await startTelling();
    await untilIn('stopped', [vm]);
    expect(await see(vm)).toMatchObject({ reason: 'idle', detail: `version 2 of the template ${name} serves` });
    // Whoever comes back to it has it as it was.
    const again = await scene.api.call('POST', `/v1/vms/${vm.name}/start?wait=ready`);
    expect(again.body).toMatchObject({ state: 'running', machineId: vm.machineId, template: { version: 1 } });
    await comeAndGo(users(), again.body);
    await eventually(async () => expect((await see(vm)).aliveBecause).toBe('idleGrace'));
  }, 120_000);
});

describe('what is told', () => {
  it('goes on in the fresh history of a VM, and is no matter for what is no order', async () => {
    const harness = await startVmHarness();
    const { start } = await harness.park(randomUUID());
    const vm = await start({ template: { name: 'chat', version: 1 } }, { historyLimitEvents: 40 });
    const { machineId } = await untilView(vm, ({ state }) => state === 'running');
    await vm.signal('report', { machineId, sequence: 2, connections: 1, sentAt: Date.now() });
    await vm.signal(rollOverSignal, { below: 3, revision: 1 });
    await vm.signal('rollOver', 'soon');
    await vm.signal(rollOverSignal, { below: 9, revision: 2, uid: 'another life' });
    const handle = harness.server.client.workflow.getHandle(vm.workflowId);
    for (let times = 0; times < 20; times += 1) await handle.signal('hold', 600 + times);
    await eventually(async () => expect((await handle.describe()).runId).not.toBe(vm.firstExecutionRunId));
    await handle.signal('hold', 0);
    await handle.signal('report', { machineId, sequence: 3, connections: 0, sentAt: Date.now() });
    const current = handle as unknown as typeof vm;
    const told = await untilView(current, ({ aliveBecause }) => aliveBecause === 'rollOverGrace');
    expect(told).toMatchObject({ newerVersion: 3, nextDeadline: { kind: 'idle' } });
    await handle.signal('destroy');
    await handle.result();
    await harness.stop();
  }, 60_000);

  it('is told by a template whose history is continued at every step, and by none that never says so', async () => {
    const told: { template: string; below: number; reach: number }[] = [];
    const queue = `steps-${randomUUID().slice(0, 8)}`;
    const harness = await startVmHarness();
    const { queue: control } = await harness.park(queue);
    const activities = {
      rollOverVms: ({ template, order }: { template: string; order: { below: number; reach: number } }) => {
        told.push({ template, below: order.below, reach: order.reach });
        return Promise.resolve();
      },
    };
    const stop = await runWorker(harness.server, { taskQueue: control, activities });
    const { put: putAs, view, handle } = templateScene(harness.server, control, { historyLimitEvents: 5 });
    const works = { name: 'ready' } as const;
    await putAs('a');
    for (const [image, version] of [
      ['b', 2],
      ['c', 3],
    ] as const) {
      await putAs(image, { rollIdle: true });
      if (version === 2) await handle.signal(firstWarmSignal, { version });
      else await handle.signal(createEndedSignal, { version, outcome: works });
      await eventually(() => expect(told.at(-1)).toMatchObject({ below: version, reach: version }));
    }
    await handle.signal(putTemplateSignal.name, { content: { spec: {}, reuse: 'none', warm: null, rollIdle: 7 } });
    await putAs('d');
    await eventually(() => expect(told.at(-1)).toMatchObject({ below: 0, reach: 3 }));
    await handle.signal(createEndedSignal, { version: 4, outcome: works });
    expect((await view()).versions).toHaveLength(4);
    expect(new Set(told.map(({ below }) => below))).toEqual(new Set([2, 3, 0]));
    await stop();
    await harness.stop();
  }, 60_000);
});
