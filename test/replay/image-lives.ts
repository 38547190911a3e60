/** Lives of VMs of which images are made, and of families of images, driven on a real server for their histories. */
import { randomUUID } from 'node:crypto';
import { imageWorkflowId, parseVmWorkflowId } from '../../domain/wire-names.ts';
import { imageScene, type ImageScene } from '../../test-support/workflow/image-scene.ts';
import type { FakeMachines } from '../../test-support/workflow/fake-machines.ts';
import { untilView, type VmHandle, type VmHarness } from '../../test-support/workflow/vm-harness.ts';
import { closeUpdate, deleteImagesUpdate, snapshotUpdate } from '../../workflows/messages.ts';

interface LivedRun {
  workflowId: string;
  runId: string;
}

interface Scene {
  vm: VmHandle;
  images: ImageScene;
  park: FakeMachines;
  queue: string;
}

type Life = (harness: VmHarness) => Promise<LivedRun>;

/** A VM that is ready, and what keeps the images of its machine. */
function withImages(live: (scene: Scene, harness: VmHarness) => Promise<LivedRun>): Life {
  return async (harness) => {
    const { park, queue, start } = await harness.park(randomUUID());
    const images = imageScene(harness.server, queue, park);
    const stopKeeping = await images.startKeeping();
    try {
      const vm = await start();
      await untilView(vm, ({ state }) => state === 'running');
      return await live({ vm, images, park, queue }, harness);
    } finally {
      await stopKeeping();
    }
  };
}

const runOf = ({ workflowId, firstExecutionRunId: runId }: VmHandle): LivedRun => ({ workflowId, runId });

export const IMAGE_LIVES: Readonly<Record<string, Life>> = {
  closed: withImages(async ({ vm }) => {
    await vm.executeUpdate(closeUpdate, { args: [undefined] });
    await vm.result();
    return runOf(vm);
  }),
  'close-fails-and-is-repeated': withImages(async ({ vm, park }) => {
    park.faults.push({ name: 'makeImage', kind: 'failForGood' });
    await vm.signal('close');
    await untilView(vm, ({ state }) => state === 'stopped');
    await vm.executeUpdate(closeUpdate, { args: [undefined] });
    await vm.result();
    return runOf(vm);
  }),
  'snapshot-and-destroyed': withImages(async ({ vm }) => {
    await vm.executeUpdate(snapshotUpdate, { args: [{ family: `gold-${randomUUID().slice(0, 8)}` }] });
    await untilView(vm, ({ state, startedFrom }) => state === 'running' && startedFrom === 'stopped');
    await vm.signal('destroy');
    await vm.result();
    return runOf(vm);
  }),
  'image-family-kept-and-emptied': withImages(async ({ vm, images, queue }, { server }) => {
    const { name = '' } = parseVmWorkflowId(vm.workflowId) ?? {};
    await vm.executeUpdate(closeUpdate, { args: [undefined] });
    await vm.result();
    const family = server.client.workflow.getHandle(imageWorkflowId('default', name, queue));
    const { runId, workflowId } = await family.describe();
    const imageIds = (await images.kept(name)).map(({ imageId }) => imageId);
    await family.executeUpdate(deleteImagesUpdate, { args: [{ imageIds }] });
    await family.result();
    return { workflowId, runId };
  }),
};
