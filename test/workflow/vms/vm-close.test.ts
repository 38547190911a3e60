import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseVmWorkflowId, imageWorkflowId } from '../../../domain/wire-names.ts';
import type { FakeMachines } from '../../../test-support/workflow/fake-machines.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { imageScene, type ImageScene } from '../../../test-support/workflow/image-scene.ts';
import { signedStart } from '../../../test-support/signed-start.ts';
import {
  startVmHarness,
  testSpec,
  untilView,
  type VmHandle,
  type VmHarness,
} from '../../../test-support/workflow/vm-harness.ts';
import {
  closeUpdate,
  deleteImagesUpdate,
  keepImageUpdate,
  snapshotSignal,
  snapshotUpdate,
} from '../../../workflows/messages.ts';
import type { runVm } from '../../../workflows/vm/vm.ts';

const WAIT_MS = 60_000;

let harness: VmHarness;
let park: FakeMachines;
let queue: string;
let start: (changes?: object) => Promise<VmHandle>;
let scene: ImageScene;
let stopKeeping: () => Promise<void>;
beforeAll(async () => {
  harness = await startVmHarness();
  ({ park, queue, start } = await harness.park('closes'));
  scene = imageScene(harness.server, queue, park);
  stopKeeping = await scene.startKeeping();
});
afterAll(async () => {
  await stopKeeping();
  await harness.stop();
});

const nameOf = (vm: VmHandle): string => parseVmWorkflowId(vm.workflowId)!.name;
const ready = async (vm: VmHandle): Promise<string> =>
  (await untilView(vm, ({ state }) => state === 'running', WAIT_MS)).machineId;
const again = (name: string): Promise<VmHandle> =>
  harness.server.client.workflow.start<typeof runVm>('vm', {
    workflowId: `vm/default/${name}`,
    taskQueue: queue,
    args: [signedStart({ project: 'default', name, spec: testSpec() })],
  });

describe('a VM that is closed', () => {
  it('ends as closed, and its family has its image with all that a next life needs', async () => {
    const vm = await start();
    const machineId = await ready(vm);
    await vm.executeUpdate(closeUpdate, { args: [undefined] });
    expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'closed' });
    const names = park.calls.filter((call) => call.machineId === machineId).map(({ name }) => name);
    expect(names.slice(-3)).toEqual(['stopMachine', 'makeImage', 'destroyMachine']);
    const [image] = await scene.kept(nameOf(vm));
    expect(image).toMatchObject({ machineId, state: 'ready', origin: 'close', name: `${nameOf(vm)}-1`, sizeBytes: 7 });
    expect(image?.spec).toMatchObject({ image: 'vm-server', provider: 'local' });
    expect(image?.signature).toMatch(/^v1\./);
    expect(park.images.has(image!.imageId)).toBe(true);
    expect((await scene.family(nameOf(vm))).session).toMatchObject({ name: nameOf(vm), image: image?.imageId });
  });

  it('keeps its machine until its image is written down, however long nobody does', async () => {
    const vm = await start();
    const machineId = await ready(vm);
    park.faults.push({ name: 'makeImage', kind: 'deaf' });
    await vm.executeUpdate(closeUpdate, { args: [undefined] });
    await untilView(vm, ({ state }) => state === 'imaging' && park.faults.length === 0, WAIT_MS);
    await stopKeeping();
    park.wake();
    await eventually(() => expect([...park.images.values()]).toContain(machineId), WAIT_MS);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(park.machines.has(machineId)).toBe(true);
    stopKeeping = await scene.startKeeping();
    expect(await vm.result()).toMatchObject({ reason: 'closed' });
    expect(park.machines.has(machineId)).toBe(false);
  });

  it('is stopped with its disk when no image can be made, says why, and its last good image stays', async () => {
    const first = await start();
    await ready(first);
    await first.executeUpdate(closeUpdate, { args: [undefined] });
    await first.result();
    const vm = await again(nameOf(first));
    const machineId = await ready(vm);
    park.faults.push({ name: 'makeImage', kind: 'failForGood' });
    await vm.executeUpdate(closeUpdate, { args: [undefined] });
    const view = await untilView(vm, ({ state }) => state === 'stopped', WAIT_MS);
    expect(view.detail).toContain('no image was made: badSpec: injected failure for good');
    expect(park.machines.has(machineId)).toBe(true);
    const { images, session } = await scene.family(nameOf(vm));
    expect(images.map(({ state }) => state)).toEqual(['ready', 'failed']);
    expect(session?.image).toBe(images[0]?.imageId);
    await vm.executeUpdate(closeUpdate, { args: [undefined] });
    expect(await vm.result()).toMatchObject({ reason: 'closed' });
    expect((await scene.family(nameOf(vm))).images.map(({ state }) => state)).toEqual(['dirty', 'ready']);
  });

  it('leaves no image when it is destroyed instead, while the image is made', async () => {
    const vm = await start();
    const machineId = await ready(vm);
    park.faults.push({ name: 'makeImage', kind: 'hang' });
    await vm.executeUpdate(closeUpdate, { args: [undefined] });
    await untilView(vm, ({ state }) => state === 'imaging' && park.faults.length === 0, WAIT_MS);
    await vm.signal('destroy');
    expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'requested' });
    expect([...park.images.values()]).not.toContain(machineId);
  });

  it.each([
    ['the next try fails for good', 'failForGood'],
    ['the VM is destroyed meanwhile', 'hang'],
  ] as const)('leaves no image that was made and whose maker could not say so, when %s', async (_, then) => {
    const vm = await start();
    const machineId = await ready(vm);
    const asked = park.countOf('makeImage');
    park.faults.push({ name: 'makeImage', kind: 'loseReply' }, { name: 'makeImage', kind: then });
    await vm.executeUpdate(closeUpdate, { args: [undefined] });
    await eventually(() => expect(park.countOf('makeImage')).toBe(asked + 2), WAIT_MS);
    if (then === 'failForGood') await untilView(vm, ({ state }) => state === 'stopped', WAIT_MS);
    await vm.signal('destroy');
    expect(await vm.result()).toMatchObject({ state: 'destroyed', reason: 'requested' });
    expect([...park.images.values()]).not.toContain(machineId);
  });

  it('is refused in the words of its workflow while it is not ready, and in another life', async () => {
    const vm = await start();
    await ready(vm);
    const refusal = vm.executeUpdate(closeUpdate, { args: [{ uid: 'another' }] });
    await expect(refusal).rejects.toMatchObject({ cause: { type: 'otherLife' } });
    await vm.signal('destroy');
    await vm.result();
  });
});

describe('a snapshot', () => {
  it('of a VM that runs is made while it is stopped, and the VM is back with the same machine', async () => {
    const vm = await start();
    const machineId = await ready(vm);
    const family = `gold-${nameOf(vm)}`;
    await vm.executeUpdate(snapshotUpdate, { args: [{ family, name: 'golden' }] });
    const view = await untilView(
      vm,
      ({ state, startedFrom }) => state === 'running' && startedFrom === 'stopped',
      WAIT_MS,
    );
    expect(view.machineId).toBe(machineId);
    const kept = await scene.family(family);
    expect(kept).toMatchObject({ session: null, images: [{ name: 'golden', state: 'ready', origin: 'snapshot' }] });
    await vm.signal('destroy');
    await vm.result();
  });

  it('that one request asks for again and again is made once, under the longest name that an image may have', async () => {
    const vm = await start();
    const machineId = await ready(vm);
    const name = nameOf(vm).padEnd(80, 'x');
    const options = { name, request: '0123456789abcdef0123' };
    await vm.executeUpdate(snapshotUpdate, { args: [options] });
    // While it is made, and when it is there.
    await vm.executeUpdate(snapshotUpdate, { args: [options] });
    await vm.signal(snapshotSignal, options);
    await untilView(vm, ({ state, startedFrom }) => state === 'running' && startedFrom === 'stopped', WAIT_MS);
    const { state } = await vm.executeUpdate(snapshotUpdate, { args: [options] });
    expect(state).toBe('running');
    const stops = park.calls.filter((call) => call.name === 'stopMachine' && call.machineId === machineId);
    expect([stops.length, (await scene.family(nameOf(vm))).images.map((image) => image.name)]).toEqual([1, [name]]);
    await vm.signal('destroy');
    await vm.result();
  });
});

describe('an image that is to go', () => {
  it('is deleted where it is, and the family ends with its last one', async () => {
    const vm = await start();
    await ready(vm);
    await vm.executeUpdate(closeUpdate, { args: [undefined] });
    await vm.result();
    const family = harness.server.client.workflow.getHandle(imageWorkflowId('default', nameOf(vm), queue));
    const [image] = await scene.kept(nameOf(vm));
    await family.executeUpdate(deleteImagesUpdate, { args: [{ imageIds: [image!.imageId] }] });
    expect(await family.result()).toMatchObject({ images: [], session: null });
    expect(park.images.has(image!.imageId)).toBe(false);
  });
});

describe('a name that is closed again and again', () => {
  it('keeps its session, however many images of earlier closes are there and however much was sealed for them', async () => {
    const first = await start();
    const machineId = await ready(first);
    await first.executeUpdate(closeUpdate, { args: [undefined] });
    await first.result();
    const [image] = await scene.kept(nameOf(first));
    const family = harness.server.client.workflow.getHandle(imageWorkflowId('default', nameOf(first), queue));
    // Its history is full long before that of closes one after the other.
    const sealed = 'x'.repeat(90_000);
    for (let close = 1; close <= 60; close += 1) {
      const next = { ...image!, imageId: `${machineId}-x${close}`, name: null, sealed };
      await eventually(async () => {
        await family.executeUpdate(keepImageUpdate, { args: [next] });
      }, WAIT_MS);
    }
    const { images, session } = await scene.family(nameOf(first));
    expect(images).toHaveLength(61);
    expect(session?.image).toBe(`${machineId}-x60`);
    expect((await family.describe()).status.name).toBe('RUNNING');
    expect((await scene.kept(nameOf(first))).at(-1)?.sealed).toBe(sealed);
    await family.terminate();
  }, 240_000);
});
