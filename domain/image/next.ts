/** The one place that says what an event means for a family of images. Pure; every state and event is tested. */
import type { ImageFamilyEvent } from './events.ts';
import { begun, discarded, withoutBeginning } from './making.ts';
import { lookedAt, released, removalRequested, swept, taken } from './removal.ts';
import {
  FAILURES_KEPT,
  SEALED_KEPT,
  newestReady,
  type FamilyImage,
  type ImageFamily,
  type ImageRecord,
} from './state.ts';

/** The family after the event; the very same object where the event changes nothing. */
export function next(family: ImageFamily, event: ImageFamilyEvent): ImageFamily {
  switch (event.kind) {
    case 'begun':
      return begun(family, event);
    case 'discarded':
      return discarded(family, event);
    case 'kept':
      return kept(family, event.image, event.at);
    case 'failed':
      return failed(family, event);
    case 'deleteRequested':
      return deleteRequested(family, event);
    case 'removalRequested':
      return removalRequested(family, event);
    case 'swept':
      return swept(family, event);
    case 'lookedAt':
      return lookedAt(family, event);
    case 'taken':
      return taken(family, event);
    case 'released':
      return released(family, event);
    case 'deleted':
      return deleted(family, event);
  }
}

/** True when nothing is left of it that anybody could want; before the first event nothing was there yet. */
export function isOver({ images, failures, making, begun }: ImageFamily): boolean {
  return begun && images.length === 0 && failures.length === 0 && (making?.length ?? 0) === 0;
}

/**
 * A close makes the images of earlier closes dirty; snapshots are somebody's, and stay as they are. What failed before of
 * the same VM needs nobody's eye any more.
 */
function kept(family: ImageFamily, record: ImageRecord, at: number): ImageFamily {
  if (family.images.some(({ imageId }) => imageId === record.imageId)) return family;
  const image: FamilyImage = { ...record, name: nameOf(family, record), state: 'ready' };
  const isClose = record.origin === 'close';
  const earlier = isClose ? family.images.map((one) => superseded(one, at)) : family.images;
  return {
    ...withoutBeginning(family, record.imageId),
    begun: true,
    images: withoutOldSecrets([...earlier, image]),
    failures: family.failures.filter(({ vm }) => vm !== record.vm),
    session: isClose ? { name: record.vm, closedAt: at } : family.session,
    nextNumber: family.nextNumber + 1,
    updatedAt: at,
  };
}

function superseded(image: FamilyImage, at: number): FamilyImage {
  if (image.origin !== 'close' || image.state !== 'ready') return image;
  return { ...image, state: 'dirty', dirtySince: at };
}

/**
 * What was sealed is large, and all of a family has to fit into one message of Temporal: it stays with the newest images that a
 * reopen may begin with. An older one begins a create of the name, which brings its own secrets.
 */
function withoutOldSecrets(images: readonly FamilyImage[]): FamilyImage[] {
  let kept = 0;
  return images.toReversed().map(lean).toReversed();

  function lean(image: FamilyImage): FamilyImage {
    if (image.state === 'ready' && (image.sealed === null || (kept += 1) <= SEALED_KEPT)) return image;
    const spec = { ...image.spec };
    delete spec.userData;
    return { ...image, spec, sealed: null, signature: null };
  }
}

/** A name that was taken meanwhile gets a number, for an image that is made is never given up for its name. */
function nameOf({ family, images, nextNumber }: ImageFamily, { name }: ImageRecord): string {
  if (name === null) return `${family}-${nextNumber}`;
  return images.some((image) => image.name === name) ? `${name}-${nextNumber}` : name;
}

function failed(family: ImageFamily, { at, failure }: Extract<ImageFamilyEvent, { kind: 'failed' }>): ImageFamily {
  const others = family.failures.filter(({ imageId }) => imageId !== failure.imageId);
  const failures = [...others, { ...failure, at }].slice(-FAILURES_KEPT);
  const now = failure.left === true ? family : withoutBeginning(family, failure.imageId);
  return { ...now, begun: true, failures, updatedAt: at };
}

function deleteRequested(
  family: ImageFamily,
  { at, imageIds }: Extract<ImageFamilyEvent, { kind: 'deleteRequested' }>,
): ImageFamily {
  const isMeant = ({ imageId, state }: FamilyImage): boolean => imageIds.includes(imageId) && state !== 'deleting';
  const failures = family.failures.filter(({ imageId }) => !imageIds.includes(imageId));
  if (!family.images.some(isMeant) && failures.length === family.failures.length) return family;
  const images = family.images.map((image): FamilyImage => (isMeant(image) ? { ...image, state: 'deleting' } : image));
  return { ...family, images, failures, updatedAt: at };
}

/** A session without an image of its own that is ready is none any more. */
function deleted(family: ImageFamily, { at, imageId }: Extract<ImageFamilyEvent, { kind: 'deleted' }>): ImageFamily {
  const images = family.images.filter((image) => image.imageId !== imageId);
  if (images.length === family.images.length) return family;
  const isOpen = family.session !== null && newestReady(images, family.session.name) !== undefined;
  return { ...family, images, session: isOpen ? family.session : null, updatedAt: at };
}
