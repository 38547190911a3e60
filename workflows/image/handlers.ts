import { ApplicationFailure, condition, setHandler } from '@temporalio/workflow';
import {
  imageBeginningOf,
  imageFailureOf,
  imageIdsOf,
  isImageRecord,
  releasedTokenOf,
  takeImageOf,
} from '../../domain/image/messages.ts';
import { imageToTake, isUndecided } from '../../domain/image/removal.ts';
import { imagePolicyOf } from '../../domain/image/retention.ts';
import { imageFamilyView } from '../../domain/image/view.ts';
import {
  beginImageUpdate,
  deleteImagesUpdate,
  imageFailedUpdate,
  imageFamilyQuery,
  keepImageUpdate,
  keptImagesQuery,
  releaseImageSignal,
  sweepImagesUpdate,
  takeImageUpdate,
} from '../messages.ts';
import { looksBeforeDeleting } from '../patches.ts';
import type { FamilyRecord } from './family-record.ts';

/** Handlers only record events. Updates come from anyone with a CLI, so their arguments are checked. */
export function handleMessages(record: FamilyRecord): void {
  setHandler(
    beginImageUpdate,
    (beginning) => {
      record.record({ kind: 'begun', beginning });
      return null;
    },
    { validator: (message: unknown) => refuseUnless(imageBeginningOf(message) !== undefined) },
  );
  setHandler(
    keepImageUpdate,
    (image) => {
      record.record({ kind: 'kept', image });
      return { name: record.family.images.find(({ imageId }) => imageId === image.imageId)?.name ?? '' };
    },
    { validator: (image: unknown) => refuseUnless(isImageRecord(image)) },
  );
  setHandler(
    imageFailedUpdate,
    (message) => {
      const failure = imageFailureOf(message);
      if (failure !== undefined) record.record({ kind: 'failed', failure });
      return null;
    },
    { validator: (message: unknown) => refuseUnless(imageFailureOf(message) !== undefined) },
  );
  handleRemovals(record);
  handleStarts(record);
  setHandler(imageFamilyQuery, () => imageFamilyView(record.family));
  setHandler(keptImagesQuery, () => record.family.images);
}

/** Whoever asks is answered once it is known what goes. */
function handleRemovals(record: FamilyRecord): void {
  setHandler(
    deleteImagesUpdate,
    async ({ imageIds }) => {
      if (looksBeforeDeleting()) {
        record.record({ kind: 'removalRequested', imageIds });
        await untilLookedAt(record, imageIds);
      } else record.record({ kind: 'deleteRequested', imageIds });
      return imageFamilyView(record.family);
    },
    { validator: (message: unknown) => refuseUnless(imageIdsOf(message) !== undefined) },
  );
  setHandler(
    sweepImagesUpdate,
    async (policy) => {
      record.record({ kind: 'swept', policy });
      const leaving = record.family.images.filter(isUndecided).map(({ imageId }) => imageId);
      await untilLookedAt(record, leaving);
      return leaving.filter(
        (id) => !record.family.images.some((one) => one.imageId === id && one.state !== 'deleting'),
      );
    },
    { validator: (policy: unknown) => refuseUnless(imagePolicyOf(policy) !== undefined) },
  );
}

function handleStarts(record: FamilyRecord): void {
  setHandler(
    takeImageUpdate,
    ({ vm, token }) => {
      const image = imageToTake(record.family, vm);
      if (image === undefined) return null;
      record.record({ kind: 'taken', imageId: image.imageId, token });
      return image;
    },
    { validator: (message: unknown) => refuseUnless(takeImageOf(message) !== undefined) },
  );
  setHandler(releaseImageSignal, (message: unknown) => {
    const token = releasedTokenOf(message);
    if (token !== undefined) record.record({ kind: 'released', token });
  });
}

async function untilLookedAt(record: FamilyRecord, imageIds: readonly string[]): Promise<void> {
  await condition(() => !record.family.images.some((image) => imageIds.includes(image.imageId) && isUndecided(image)));
}

function refuseUnless(isMessage: boolean): void {
  if (!isMessage)
    throw ApplicationFailure.nonRetryable('this is no message that a family of images takes', 'badMessage');
}
