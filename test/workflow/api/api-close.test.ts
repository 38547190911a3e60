import { WorkflowNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageListSchema, imageSchema, sessionListSchema, type ApiImage } from '../../../api/schemas/image.ts';
import { vmSchema } from '../../../api/schemas/vm.ts';
import { imageWorkflowId } from '../../../domain/wire-names.ts';
import { eventually, startTestApi, uniqueName, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';
import { imageScene } from '../../../test-support/workflow/image-scene.ts';
import { keepImageUpdate, reportSignal } from '../../../workflows/messages.ts';

let scene: ApiScene;
let park: FakeMachines;
let api: TestApi;
let stopKeeping: () => Promise<void>;
beforeAll(async () => {
  scene = await startApiScene('api close and reopen');
  ({ park, api } = scene);
  stopKeeping = await imageScene(scene.server, scene.queue, park).startKeeping();
});
afterAll(async () => {
  await stopKeeping();
  await scene.stop();
});

const chat = (name: string, more: object = {}) => ({ name, template: 'chat', ...more });

async function ready(name: string, more: object = {}): Promise<string> {
  const made = await api.call('POST', '/v1/vms?wait=ready', { body: chat(name, more) });
  expect(made.status, made.text).toBe(201);
  return made.body.machineId!;
}

async function closed(name: string): Promise<void> {
  const { status, text } = await api.call('POST', `/v1/vms/${name}/close`);
  expect(status, text).toBe(200);
  await eventually(`${name} closed`, async () => {
    const { body } = await api.call('GET', `/v1/vms/${name}`);
    return (body.state === 'destroyed' && body.reason === 'closed') || undefined;
  });
}

/** Those of one VM; lists follow within a moment. */
async function imagesOf(vm: string): Promise<ApiImage[]> {
  const { status, text } = await api.call('GET', '/v1/images');
  expect(status, text).toBe(200);
  return imageListSchema
    .strict()
    .parse(JSON.parse(text))
    .images.filter((image) => image.vm === vm);
}

const images = (vm: string, count: number): Promise<ApiImage[]> =>
  eventually(`${count} images of ${vm}`, async () => {
    const found = await imagesOf(vm);
    return found.length === count && found.every(({ state }) => state !== 'pending') ? found : undefined;
  });

const stateOf = (name: string, state: string): Promise<true> =>
  eventually(`${name} ${state}`, async () => {
    return (await api.call('GET', `/v1/vms/${name}`)).body.state === state || undefined;
  });

describe('a VM', () => {
  it('is closed into an image, listed as a session, and reopened by its name alone with its spec', async () => {
    const name = uniqueName();
    const machineId = await ready(name, { cpus: 2, labels: { game: 'chess' } });
    await closed(name);
    const [image] = await images(name, 1);
    expect(image).toMatchObject({ name: `${name}-1`, family: name, state: 'ready', sizeBytes: 7, usedBy: [] });
    const sessions = async () => {
      const { text } = await api.call('GET', '/v1/sessions');
      return sessionListSchema
        .strict()
        .parse(JSON.parse(text))
        .sessions.find((one) => one.name === name);
    };
    expect(await sessions()).toMatchObject({ image: `${name}-1`, images: 1, live: false });
    const reopened = await api.call('POST', `/v1/vms/${name}/reopen?wait=ready`);
    expect(reopened.status, reopened.text).toBe(201);
    const vm = vmSchema.strict().parse(reopened.body);
    expect(vm).toMatchObject({ startedFrom: 'image', state: 'running', spec: { cpus: 2, labels: { game: 'chess' } } });
    expect(vm.spec.startFrom).toEqual({ imageId: image!.imageId, host: null, session: machineId });
    expect(vm.machineId).not.toBe(machineId);
    expect((await imagesOf(name))[0]?.usedBy).toEqual([name]);
    expect(await sessions()).toMatchObject({ live: true });
    const live = await api.call('POST', `/v1/vms/${name}/reopen`);
    expect([live.status, live.body.code]).toEqual([409, 'vmLive']);
    const inUse = await api.call('DELETE', `/v1/images/${name}-1`);
    expect([inUse.status, inUse.body.code]).toEqual([409, 'imageInUse']);
  });

  it('is reopened by a create of its name too, while it is being closed as well, and starts clean when asked to', async () => {
    const name = uniqueName();
    const session = await ready(name);
    await closed(name);
    const again = await api.call('POST', '/v1/vms?wait=ready', { body: chat(name) });
    expect(again.status, again.text).toBe(201);
    expect(again.body).toMatchObject({ startedFrom: 'image' });
    const same = await api.call('POST', '/v1/vms', { body: chat(name) });
    expect([same.status, same.body.uid]).toEqual([200, again.body.uid]);
    park.faults.push({ name: 'destroyMachine', kind: 'fail' });
    await api.call('POST', `/v1/vms/${name}/close`);
    await stateOf(name, 'destroying').catch(() => undefined);
    const next = await api.call('POST', '/v1/vms?wait=ready', { body: chat(name) });
    expect([next.status, next.body.startedFrom], next.text).toEqual([201, 'image']);
    // The same through every close, for links to it.
    expect(next.body.spec.startFrom).toMatchObject({ session });
    expect((await images(name, 2)).map(({ state }) => state)).toEqual(['dirty', 'ready']);
    await api.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
    const clean = await api.call('POST', '/v1/vms?wait=ready', { body: chat(name, { fresh: true }) });
    expect([clean.status, clean.body.startedFrom], clean.text).toEqual([201, 'new']);
  });

  it('is reopened from its own disk, though a snapshot of another VM is in the family of its name', async () => {
    const [name, other] = [uniqueName(), uniqueName()];
    await ready(name, { labels: { of: 'its-own' } });
    await closed(name);
    await ready(other);
    const snapshot = await api.call('POST', `/v1/vms/${other}/snapshot`, { body: { family: name } });
    expect(snapshot.status, snapshot.text).toBe(200);
    await images(other, 1);
    const [image] = await images(name, 1);
    for (const again of [
      () => api.call('POST', `/v1/vms/${name}/reopen?wait=ready`),
      () => api.call('POST', '/v1/vms?wait=ready', { body: chat(name, { labels: { of: 'its-own' } }) }),
    ]) {
      const reopened = await again();
      expect(reopened.status, reopened.text).toBe(201);
      expect(reopened.body.spec).toMatchObject({ startFrom: { imageId: image!.imageId }, labels: { of: 'its-own' } });
      await api.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
    }
  });

  it('that another replica has just reopened keeps the image that its disk begins with', async () => {
    const name = uniqueName();
    await ready(name);
    await closed(name);
    const [image] = await images(name, 1);
    const second = await startTestApi(scene.server, scene.queue, { share: api });
    try {
      const reopened = await second.call('POST', `/v1/vms/${name}/reopen`);
      expect(reopened.status, reopened.text).toBe(201);
      const refused = await api.call('DELETE', `/v1/images/${image!.name}`);
      expect([refused.status, refused.body.code], refused.text).toEqual([409, 'imageInUse']);
      await stateOf(name, 'running');
    } finally {
      await second.close();
    }
  });

  it('is not reopened when it was never closed, and an unknown one is not closed', async () => {
    const name = uniqueName();
    for (const [path, code] of [
      ['reopen', 'neverClosed'],
      ['close', 'unknownVm'],
      ['snapshot', 'unknownVm'],
    ]) {
      const { status, body } = await api.call(
        'POST',
        `/v1/vms/${name}/${path}`,
        path === 'snapshot' ? { body: {} } : {},
      );
      expect([status, body.code]).toEqual([404, code]);
    }
    await ready(name);
    await api.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
    expect((await api.call('POST', `/v1/vms/${name}/reopen`)).body.code).toBe('neverClosed');
    expect((await api.call('POST', `/v1/vms/${name}/close`)).body.code).toBe('actionNotAllowed');
    const viewer = await api.call('POST', `/v1/vms/${name}/close`, { key: api.keys.viewer });
    expect(viewer.status).toBe(403);
  });

  it('with users is closed by force alone', async () => {
    const name = uniqueName();
    const machineId = await ready(name);
    const handle = scene.server.client.workflow.getHandle(`vm/default/${name}`);
    await handle.signal(reportSignal, { machineId, sequence: 2, connections: 1, sentAt: Date.now() });
    const refused = await api.call('POST', `/v1/vms/${name}/close`);
    expect([refused.status, refused.body.code]).toEqual([409, 'vmInUse']);
    expect((await api.call('POST', `/v1/vms/${name}/close?force=true`)).status).toBe(200);
    // Its image is made before the next test's, whose making fails.
    await images(name, 1);
  });

  it('whose image cannot be made is stopped with its disk, and both it and the list say why', async () => {
    const name = uniqueName();
    await ready(name);
    park.faults.push({ name: 'makeImage', kind: 'failForGood' });
    await api.call('POST', `/v1/vms/${name}/close`);
    await stateOf(name, 'stopped');
    expect((await api.call('GET', `/v1/vms/${name}`)).body.detail).toContain('no image was made: badSpec');
    expect(await images(name, 1)).toMatchObject([{ state: 'failed', detail: 'badSpec: injected failure for good' }]);
    const started = await api.call('POST', `/v1/vms/${name}/start?wait=ready`);
    expect([started.status, started.body.state]).toEqual([200, 'running']);
  });

  it('gets its secrets again, which nobody but the API can open meanwhile', async () => {
    const name = uniqueName();
    const word = 'a-secret-of-the-session';
    await ready(name, { secretEnv: { WORD: word } });
    await closed(name);
    const reopened = await api.call('POST', `/v1/vms/${name}/reopen?wait=ready`);
    expect(reopened.status, reopened.text).toBe(201);
    expect(reopened.body.spec.sealed).toEqual({ secretEnvNames: ['WORD'], startupScript: false });
    const family = scene.server.client.workflow.getHandle(imageWorkflowId('default', name, scene.queue));
    expect(JSON.stringify(await family.fetchHistory())).not.toContain(word);
  });

  it('is not reopened from what somebody wrote to its workflow', async () => {
    const name = uniqueName();
    await ready(name);
    await closed(name);
    const { kept } = imageScene(scene.server, scene.queue, park);
    const [image] = await kept(name);
    const forged = { ...image!, imageId: 'm-forged-i1', name: 'forged', spec: { ...image!.spec, memoryMb: 4096 } };
    const family = scene.server.client.workflow.getHandle(imageWorkflowId('default', name, scene.queue));
    await family.executeUpdate(keepImageUpdate, { args: [forged] });
    const refused = await api.call('POST', `/v1/vms/${name}/reopen`);
    expect([refused.status, refused.body.code], refused.text).toEqual([409, 'sessionUnreadable']);
  });
});

describe('a session', () => {
  /** As Temporal does with what closed longer ago than its namespace keeps. */
  async function forgotten(name: string): Promise<void> {
    const { workflow, workflowService, options } = scene.server.client;
    const workflowExecution = { workflowId: `vm/default/${name}` };
    const handle = workflow.getHandle(workflowExecution.workflowId);
    await handle.result();
    await eventually('Temporal knows the VM no more', async () => {
      // One that has just closed may still be written to lists, and is left.
      await workflowService
        .deleteWorkflowExecution({ namespace: options.namespace, workflowExecution })
        .catch(() => null);
      const known = await handle.describe().then(
        () => true,
        (error: unknown) => !(error instanceof WorkflowNotFoundError),
      );
      return known ? undefined : true;
    });
  }

  it('outlasts what Temporal keeps of its VM: it is listed, and reopened with spec and secrets', async () => {
    const [name, other] = [uniqueName(), uniqueName()];
    await ready(name, { cpus: 2, secretEnv: { WORD: 'kept' } });
    await ready(other);
    await Promise.all([closed(name), closed(other)]);
    await images(name, 1);
    await Promise.all([forgotten(name), forgotten(other)]);
    const { text } = await api.call('GET', '/v1/sessions');
    expect(sessionListSchema.parse(JSON.parse(text)).sessions.map((session) => session.name)).toContain(name);
    const reopened = await api.call('POST', `/v1/vms/${name}/reopen?wait=ready`);
    expect([reopened.status, reopened.body.startedFrom], reopened.text).toEqual([201, 'image']);
    expect(reopened.body.spec).toMatchObject({ cpus: 2, sealed: { secretEnvNames: ['WORD'] } });
    const created = await api.call('POST', '/v1/vms?wait=ready', { body: chat(other) });
    expect([created.status, created.body.startedFrom], created.text).toEqual([201, 'image']);
  });

  it('whose host is gone is refused as such, by reopen and create, and starts clean when asked to', async () => {
    const name = uniqueName();
    await ready(name);
    await closed(name);
    const { kept } = imageScene(scene.server, scene.queue, park);
    const [image] = await kept(name);
    const family = scene.server.client.workflow.getHandle(imageWorkflowId('default', name, scene.queue));
    const elsewhere = { ...image!, imageId: 'm-elsewhere-i1', name: null, host: 'a-host-that-left' };
    await family.executeUpdate(keepImageUpdate, { args: [elsewhere] });
    for (const refused of [
      await api.call('POST', `/v1/vms/${name}/reopen`),
      await api.call('POST', '/v1/vms', { body: chat(name) }),
    ]) {
      expect([refused.status, refused.body.code], refused.text).toEqual([409, 'imageHostLost']);
      expect(refused.body.detail).toContain('a-host-that-left');
    }
    const clean = await api.call('POST', '/v1/vms?wait=ready', { body: chat(name, { fresh: true }) });
    expect([clean.status, clean.body.startedFrom], clean.text).toEqual([201, 'new']);
    // What was refused holds nothing.
    await api.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
    expect((await api.call('DELETE', `/v1/images/${name}-2`)).status).toBe(202);
  });
});

describe('a snapshot', () => {
  it('has the name and the family that were asked for, once in a project, and can be deleted', async () => {
    const name = uniqueName();
    const imageName = `golden-${name}`;
    await ready(name);
    const body = { imageName, family: `gold-${name}` };
    const made = await api.call('POST', `/v1/vms/${name}/snapshot`, { body });
    expect(made.status, made.text).toBe(200);
    const [image] = await images(name, 1);
    expect(image).toMatchObject({ name: imageName, family: `gold-${name}`, origin: 'snapshot', state: 'ready' });
    await stateOf(name, 'running');
    const taken = await api.call('POST', `/v1/vms/${name}/snapshot`, { body });
    expect([taken.status, taken.body.code]).toEqual([409, 'imageNameTaken']);
    const gone = await api.call('DELETE', `/v1/images/${imageName}`);
    expect(gone.status, gone.text).toBe(202);
    expect(imageSchema.parse(JSON.parse(gone.text))).toMatchObject({ state: 'deleting' });
    // Again at once, while lists may still show it: it is being removed, or there is none any more.
    expect([202, 404]).toContain((await api.call('DELETE', `/v1/images/${imageName}`)).status);
    await images(name, 0);
    expect(park.images.has(image!.imageId)).toBe(false);
    expect((await api.call('DELETE', `/v1/images/${imageName}`)).body.code).toBe('imageNotFound');
    expect((await api.call('GET', `/v1/vms/${name}`)).body.state).toBe('running');
  });

  it('of a bad name is refused before anything is done', async () => {
    const name = uniqueName();
    await ready(name);
    for (const body of [{ imageName: 'Bad Name' }, { family: '../x' }, { surprise: true }]) {
      const { status } = await api.call('POST', `/v1/vms/${name}/snapshot`, { body });
      expect(status).toBe(400);
    }
    expect((await api.call('GET', `/v1/vms/${name}`)).body.state).toBe('running');
  });
});
