import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageListSchema, type ApiImage } from '../../../api/schemas/image.ts';
import type { ImagePolicy } from '../../../domain/image/retention.ts';
import { imageWorkflowId } from '../../../domain/wire-names.ts';
import { eventually, uniqueName, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { startApiScene, type ApiScene } from '../../../test-support/workflow/api-scene.ts';
import { imageScene } from '../../../test-support/workflow/image-scene.ts';
import {
  deleteImagesUpdate,
  imageFamilyQuery,
  keepImageUpdate,
  keptImagesQuery,
  releaseImageSignal,
  takeImageUpdate,
  type ImageSweepReport,
} from '../../../workflows/messages.ts';
import type { runImageSweep } from '../../../workflows/image/sweep.ts';

/** Everything that may go is due at once. */
const AT_ONCE: ImagePolicy = { dirtySeconds: 0, retentionSeconds: null, orphanSeconds: 3600 };

let scene: ApiScene;
let api: TestApi;
let stopKeeping: () => Promise<void>;
beforeAll(async () => {
  scene = await startApiScene('sweep of images');
  ({ api } = scene);
  stopKeeping = await imageScene(scene.server, scene.queue, scene.park).startKeeping();
});
afterAll(async () => {
  await stopKeeping();
  await scene.stop();
});

async function lived(name: string): Promise<void> {
  const made = await api.call('POST', '/v1/vms?wait=ready', { body: { name, template: 'chat' } });
  expect(made.status, made.text).toBe(201);
}

async function closed(name: string): Promise<void> {
  const { status, text } = await api.call('POST', `/v1/vms/${name}/close`);
  expect(status, text).toBe(200);
  await eventually(`${name} closed`, async () => {
    const { body } = await api.call('GET', `/v1/vms/${name}`);
    return (body.state === 'destroyed' && body.reason === 'closed') || undefined;
  });
}

/** A name that was closed so many times. */
async function closedOften(times: number): Promise<string> {
  const name = uniqueName();
  for (let time = 0; time < times; time += 1) {
    await lived(name);
    await closed(name);
  }
  await statesOf(name, [...Array.from({ length: times - 1 }, () => 'dirty'), 'ready']);
  return name;
}

const imagesOf = async (vm: string): Promise<ApiImage[]> => {
  const { text } = await api.call('GET', '/v1/images');
  return imageListSchema
    .strict()
    .parse(JSON.parse(text))
    .images.filter((image) => image.vm === vm);
};
const statesOf = (vm: string, wanted: readonly string[]): Promise<true> =>
  eventually(`images of ${vm}: ${wanted.join(', ')}`, async () => {
    const states = (await imagesOf(vm)).map(({ state }) => state);
    return JSON.stringify(states) === JSON.stringify(wanted) || undefined;
  });

const sweep = (policy: ImagePolicy): Promise<ImageSweepReport> =>
  scene.server.client.workflow.execute<typeof runImageSweep>('imageSweep', {
    workflowId: `image-sweep/test/${randomUUID()}`,
    taskQueue: scene.queue,
    args: [{ policy }],
  });
const familyOf = (name: string) =>
  scene.server.client.workflow.getHandle(imageWorkflowId('default', name, scene.queue));

describe('a sweep of images', () => {
  it('deletes what later closes made dirty where it is, keeps what a reopen takes, and says when that will be', async () => {
    const name = await closedOften(3);
    const before = await imagesOf(name);
    const day = api.settings.images.dirtySeconds * 1000;
    expect(before.map(({ deletedAfter }) => deletedAfter)).toEqual(
      before.map(({ dirtySince }) => dirtySince && new Date(Date.parse(dirtySince) + day).toISOString()),
    );
    expect((await sweep({ ...AT_ONCE, dirtySeconds: 3600 })).expired.leaving).toEqual([]);
    const { expired } = await sweep(AT_ONCE);
    expect(expired.leaving).toEqual(before.slice(0, 2).map(({ imageId }) => imageId));
    await statesOf(name, ['ready']);
    expect(before.map(({ imageId }) => scene.park.images.has(imageId))).toEqual([false, false, true]);
    expect((await sweep(AT_ONCE)).expired.leaving).toEqual([]);
    const reopened = await api.call('POST', `/v1/vms/${name}/reopen?wait=ready`);
    expect([reopened.status, reopened.body.startedFrom], reopened.text).toEqual([201, 'image']);
  });

  it('keeps a dirty image that a VM began with, until that VM is gone', async () => {
    const name = await closedOften(1);
    await lived(name);
    expect((await api.call('GET', `/v1/vms/${name}`)).body.startedFrom).toBe('image');
    const family = familyOf(name);
    // As if the VM had been closed while it lives.
    const [first] = await family.query(keptImagesQuery);
    const second = { ...first!, imageId: `${first!.imageId}x`, name: null };
    await family.executeUpdate(keepImageUpdate, { args: [second] });
    await statesOf(name, ['dirty', 'ready']);
    expect((await sweep(AT_ONCE)).expired.leaving).toEqual([]);
    await statesOf(name, ['dirty', 'ready']);
    await api.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
    expect((await sweep(AT_ONCE)).expired.leaving).toEqual([first?.imageId]);
    await statesOf(name, ['ready']);
  });

  it('deletes snapshots past their retention, and never the last one of a family', async () => {
    const name = uniqueName();
    await lived(name);
    for (let snapshot = 1; snapshot <= 2; snapshot += 1) {
      await api.call('POST', `/v1/vms/${name}/snapshot`, { body: { family: `gold-${name}` } });
      await statesOf(
        name,
        Array.from({ length: snapshot }, () => 'ready'),
      );
      await eventually('it runs again', async () => {
        return (await api.call('GET', `/v1/vms/${name}`)).body.state === 'running' || undefined;
      });
    }
    const [first, second] = await imagesOf(name);
    expect((await sweep({ ...AT_ONCE, retentionSeconds: 3600 })).expired.leaving).toEqual([]);
    expect((await sweep({ ...AT_ONCE, retentionSeconds: 0 })).expired.leaving).toEqual([first?.imageId]);
    await statesOf(name, ['ready']);
    expect((await imagesOf(name))[0]?.imageId).toBe(second?.imageId);
    await api.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
  });
});

describe('an image that nobody says anything of any more', () => {
  const imaging = async (name: string): Promise<{ imageId: string; machineId: string }> => {
    const { body } = await eventually(`${name} is imaging`, async () => {
      const found = await api.call('GET', `/v1/vms/${name}`);
      return found.body.state === 'imaging' && scene.park.faults.length === 0 ? found : undefined;
    });
    return { imageId: body.pendingImage!.imageId, machineId: body.machineId! };
  };

  it('is removed where it was to be, whoever was killed, and never while its VM is still about it', async () => {
    const name = uniqueName();
    await lived(name);
    scene.park.faults.push({ name: 'makeImage', kind: 'hang' });
    expect((await api.call('POST', `/v1/vms/${name}/close`)).status).toBe(200);
    const { imageId, machineId } = await imaging(name);
    const orphans = { ...AT_ONCE, orphanSeconds: 0 };
    await eventually('the family is listed', async () => {
      const asked = scene.park.countOf('deleteImage');
      await sweep(orphans);
      const { making } = await familyOf(name).query(imageFamilyQuery);
      expect(scene.park.countOf('deleteImage')).toBe(asked);
      return making?.some((one) => one.imageId === imageId) || undefined;
    });
    // Whoever makes the image does not hear of it, and is done only after its VM is gone.
    await scene.server.client.workflow.getHandle(`vm/default/${name}`).terminate();
    scene.park.images.set(imageId, machineId);
    await sweep({ ...orphans, orphanSeconds: 3600 });
    expect(scene.park.images.has(imageId)).toBe(true);
    await sweep(orphans);
    expect(await familyOf(name).result()).toMatchObject({ images: [], session: null });
    expect(scene.park.images.has(imageId)).toBe(false);
  });
});

describe('a project that has all the images that it may have', () => {
  it('gets no snapshot, and a close leaves its VM stopped with its disk: nothing is made of it', async () => {
    const full = await closedOften(1);
    const name = uniqueName();
    await lived(name);
    await stopKeeping();
    stopKeeping = await imageScene(scene.server, scene.queue, scene.park).startKeeping({ maxPerProject: 1 });
    const { maxPerProject } = api.settings.images;
    api.settings.images.maxPerProject = 1;
    const asked = scene.park.countOf('makeImage');
    const refused = await api.call('POST', `/v1/vms/${name}/snapshot`, { body: {} });
    expect([refused.status, refused.body.code], refused.text).toEqual([409, 'tooManyImages']);
    expect((await api.call('GET', `/v1/vms/${name}`)).body.state).toBe('running');
    expect((await api.call('POST', `/v1/vms/${name}/close`)).status).toBe(200);
    const vm = await eventually(`${name} is stopped`, async () => {
      const { body } = await api.call('GET', `/v1/vms/${name}`);
      return body.state === 'stopped' ? body : undefined;
    });
    expect(vm.detail).toContain('no image was made: tooManyImages: project default has 1 images');
    await statesOf(name, ['failed']);
    expect([scene.park.countOf('makeImage'), scene.park.machines.has(vm.machineId!)]).toEqual([asked, true]);
    expect((await imagesOf(full)).map(({ state }) => state)).toEqual(['ready']);
    await stopKeeping();
    stopKeeping = await imageScene(scene.server, scene.queue, scene.park).startKeeping();
    api.settings.images.maxPerProject = maxPerProject;
    await closed(name);
    await statesOf(name, ['ready']);
  });
});

describe('a delete of an image', () => {
  it('is refused from the moment at which a start takes it, also before the VM of that start is there', async () => {
    const name = await closedOften(1);
    const [image] = await imagesOf(name);
    await familyOf(name).executeUpdate(takeImageUpdate, { args: [{ vm: name, token: 'another-replica' }] });
    const refused = await api.call('DELETE', `/v1/images/${image!.name}`);
    expect([refused.status, refused.body.code], refused.text).toEqual([409, 'imageInUse']);
    expect((await imagesOf(name))[0]?.state).toBe('ready');
    await familyOf(name).signal(releaseImageSignal, { token: 'another-replica' });
    expect((await api.call('DELETE', `/v1/images/${image!.name}`)).status).toBe(202);
    await statesOf(name, []);
    expect((await api.call('POST', `/v1/vms/${name}/reopen`)).body.code).toBe('neverClosed');
  });

  it('takes nothing from a VM that lives, whoever asks its family for it, and everything that was asked for after its end', async () => {
    const name = await closedOften(1);
    const [image] = await imagesOf(name);
    const imageIds = [image!.imageId];
    expect((await api.call('POST', `/v1/vms/${name}/reopen`)).status).toBe(201);
    const asked = await familyOf(name).executeUpdate(deleteImagesUpdate, { args: [{ imageIds }] });
    expect(asked.images.map(({ state }) => state)).toEqual(['ready']);
    expect(scene.park.images.has(image!.imageId)).toBe(true);
    await api.call('DELETE', `/v1/vms/${name}?wait=destroyed`);
    // The start has long said that it is there: nothing holds the image for longer than its VM.
    expect((await api.call('DELETE', `/v1/images/${image!.name}`)).status).toBe(202);
    await statesOf(name, []);
    expect(scene.park.images.has(image!.imageId)).toBe(false);
  });
});
