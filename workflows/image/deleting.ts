import { ActivityFailure, condition, log, proxyActivities, sleep } from '@temporalio/workflow';
import type { ImageUse, ImageUseActivities } from '../../domain/image/activities.ts';
import { isLeaving } from '../../domain/image/removal.ts';
import type { MachineActivities } from '../../domain/machine/activities.ts';
import type { FamilyImage } from '../../domain/image/state.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { maintenanceTaskQueueOf } from '../../domain/wire-names.ts';
import type { FamilyRecord } from './family-record.ts';

const { findImageUse } = proxyActivities<ImageUseActivities>({
  summary: 'Find out whether a VM began with the image',
  startToCloseTimeout: TIMEOUTS.imageKeepAttemptSeconds * 1000,
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

/** What is removed: an image, or what may be left of one that was begun. */
type Goes = Pick<FamilyImage, 'imageId' | 'machineId' | 'vm' | 'queue'>;

/** Removes what is to go, each by itself: one whose host is away holds up no other. */
export async function deleteWhatGoes(record: FamilyRecord): Promise<never> {
  const begun = new Set<string>();
  const toBegin = (): Goes | undefined => {
    const { images, making = [] } = record.family;
    const going = [...images.filter(isLeaving), ...making.filter(({ leaving }) => leaving)];
    return going.find(({ imageId }) => !begun.has(imageId));
  };
  for (;;) {
    await condition(() => toBegin() !== undefined);
    const image = toBegin();
    if (image === undefined) continue;
    begun.add(image.imageId);
    void deleteUnlessUsed(record, image).finally(() => begun.delete(image.imageId));
  }
}

async function deleteUnlessUsed(record: FamilyRecord, image: Goes): Promise<void> {
  const known = record.family.images.find(({ imageId }) => imageId === image.imageId);
  if (known?.state !== 'deleting') {
    const use = await look(record, image);
    if (use !== 'free') return;
  }
  await deleteOne(record, image);
}

/** While the image is to go no start can take it, so what is found out now holds. */
async function look(record: FamilyRecord, { imageId, vm }: Goes): Promise<ImageUse> {
  const { project } = record.family;
  const use = await findImageUse({ project, vm, imageId }).catch((error: unknown): ImageUse => {
    if (!(error instanceof ActivityFailure)) throw error;
    // What nobody can tell about stays; whoever wants it gone asks again.
    return 'making';
  });
  if (use !== 'free') log.info('an image stays, for it is in use', { imageId, vm, use });
  record.record({ kind: 'lookedAt', imageId, use });
  return use;
}

/** Whatever an activity says, the next try follows: what is left would take its place for ever. */
async function deleteOne(record: FamilyRecord, { imageId, machineId, queue }: Goes): Promise<void> {
  const { deleteImage } = proxyActivities<Pick<MachineActivities, 'deleteImage'>>({
    taskQueue: maintenanceTaskQueueOf(queue),
    summary: `Delete image ${imageId}`,
    startToCloseTimeout: TIMEOUTS.imageDeleteAttemptSeconds * 1000,
    heartbeatTimeout: TIMEOUTS.activityHeartbeatSeconds * 1000,
    retry: {
      initialInterval: '500ms',
      backoffCoefficient: 2,
      maximumInterval: TIMEOUTS.destroyBackoffCapSeconds * 1000,
    },
  });
  for (;;) {
    try {
      await deleteImage({ imageId, machineId });
      const isImage = record.family.images.some((image) => image.imageId === imageId);
      record.record({ kind: isImage ? 'deleted' : 'discarded', imageId });
      return;
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      log.error('an image could not be deleted, which starts again', { imageId, failure: error.message });
      await sleep(TIMEOUTS.destroyBackoffCapSeconds * 1000, { summary: 'Before the delete is tried again' });
    }
  }
}
