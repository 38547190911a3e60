/** A VM that is stopped needs room at its own host to start again; a new one finds it anywhere. */
import { Context } from '@temporalio/activity';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTemplateActivities } from '../../../activities/control/template-activities.ts';
import type { RoomSize } from '../../../domain/capacity/room.ts';
import { hostTaskQueue, hostWorkflowId } from '../../../domain/wire-names.ts';
import { eventually, uniqueName, type ApiAnswer } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import { runWorker } from '../../../test-support/workflow/vm-harness.ts';
import { temporalTemplates } from '../../../worker/temporal/temporal-templates.ts';
import type { runHost } from '../../../workflows/host/host.ts';
import { hostReadySignal, type HostReady } from '../../../workflows/messages.ts';

const ROOM: RoomSize = { cpus: 4, memoryMb: 4096, diskGb: 9 };
/** Where the machines of the scene are. */
const HOST_ID = 'park';

let scene: ApiScene;
let free = ROOM;
const stops: (() => Promise<void>)[] = [];
beforeAll(async () => {
  scene = await startApiScene('reuse on a full host');
  const { server, queue } = scene;
  const activities = createTemplateActivities(temporalTemplates(server.client, queue));
  stops.push(await runWorker(server, { taskQueue: queue, activities }));
  const holdLease = async (): Promise<void> => {
    const { cancelled, heartbeat } = Context.current();
    const beat = setInterval(() => heartbeat({ free, machines: 1 }), 200);
    await cancelled.finally(() => clearInterval(beat));
  };
  stops.push(await runWorker(server, { taskQueue: hostTaskQueue(HOST_ID, queue), activities: { holdLease } }));
  const facts: HostReady['facts'] = {
    ...{ version: '1.2.3', providers: ['local'], capacity: ROOM, zone: null, labels: {} },
    ...{ address: null, fingerprint: null, lostSeconds: 600 },
  };
  await server.client.workflow.signalWithStart<typeof runHost, [HostReady]>('host', {
    workflowId: hostWorkflowId(HOST_ID, queue),
    taskQueue: queue,
    args: [{ hostId: HOST_ID }],
    signal: hostReadySignal,
    signalArgs: [{ incarnation: 'i', facts }],
  });
});
afterAll(async () => {
  await scene.server.client.workflow.getHandle(hostWorkflowId(HOST_ID, scene.queue)).terminate();
  await Promise.all(stops.map((stop) => stop()));
  await scene.stop();
});

/** Lists follow within a moment. */
async function hostWithFree(memoryMb: number): Promise<void> {
  free = { ...ROOM, memoryMb };
  await eventually(
    `the host with ${memoryMb} MB`,
    async () => {
      const { text } = await scene.api.call('GET', '/v1/hosts');
      const { hosts } = JSON.parse(text) as { hosts: { state: string; free: RoomSize }[] };
      return hosts.some((host) => host.state === 'ready' && host.free.memoryMb === memoryMb) || undefined;
    },
    60_000,
  );
}

it('gives a create a new VM while the host of one that is stopped is full, and that one once there is room', async () => {
  const { api } = scene;
  const template = uniqueName('arena');
  const spec = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }], memoryMb: 512 };
  await api.call('PUT', `/v1/templates/${template}`, { body: { spec, reuse: 'empty' } });
  const create = (): Promise<ApiAnswer> =>
    api.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { body: { template } });
  const { name, uid } = (await create()).body;
  expect((await api.call('POST', `/v1/vms/${name}/stop`)).status).toBe(200);
  await eventually(
    'it is stopped',
    async () => {
      const { vms } = (await api.call('GET', '/v1/vms?state=stopped')).body;
      return vms.some((vm) => vm.uid === uid) || undefined;
    },
    60_000,
  );
  await hostWithFree(511);
  const made = await create();
  expect([made.status, made.body.startedFrom], made.text).toEqual([201, 'new']);
  await hostWithFree(512);
  const given = await eventually(
    'it is given away',
    async () => {
      const next = await create();
      return next.body.uid === uid ? next : undefined;
    },
    90_000,
  );
  expect([given.status, given.body.startedFrom], given.text).toEqual([200, 'stopped']);
}, 240_000);
