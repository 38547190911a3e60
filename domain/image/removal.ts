/**
 * How an image goes: it is to go (`leaving`), then whether something uses it is found out, and only what is free is deleted. A
 * start takes the image that it begins with before that, so that none goes between its look and its VM.
 */
import type { ImageFamilyEvent } from './events.ts';
import { lookedAtBeginning, overdue } from './making.ts';
import { expiriesOf } from './retention.ts';
import { HOLD_SECONDS, newestReady, type FamilyImage, type ImageFamily, type RemovalCause } from './state.ts';
import { imageFamilyView } from './view.ts';

type EventOf<Kind extends ImageFamilyEvent['kind']> = Extract<ImageFamilyEvent, { kind: Kind }>;

/** As many starts hold one image at a time. */
const MOST_HOLDS = 20;

export function removalRequested(family: ImageFamily, { at, imageIds }: EventOf<'removalRequested'>): ImageFamily {
  const failures = family.failures.filter(({ imageId }) => !imageIds.includes(imageId));
  const now = leave(family, at, new Map(imageIds.map((imageId) => [imageId, 'requested'])));
  return failures.length === family.failures.length ? now : { ...now, failures, updatedAt: at };
}

export function swept(family: ImageFamily, { at, policy }: EventOf<'swept'>): ImageFamily {
  // What is on its way out is nothing that is left.
  const staying = { ...family, images: family.images.filter((image) => !isLeaving(image)) };
  const due = expiriesOf(imageFamilyView(staying), policy).filter((expiry) => expiry.at <= at);
  const now = leave(family, at, new Map(due.map(({ imageId, cause }) => [imageId, cause])));
  return overdue(now, at, policy.orphanSeconds);
}

/** What is used stays as it was. */
export function lookedAt(family: ImageFamily, { at, imageId, use }: EventOf<'lookedAt'>): ImageFamily {
  const now = use === 'making' ? lookedAtBeginning(family, imageId, at) : family;
  return changed(now, at, (image) => {
    if (image.imageId !== imageId || !isUndecided(image)) return image;
    if (use === 'free') return { ...image, state: 'deleting' };
    const stays = { ...image };
    delete stays.leaving;
    return stays;
  });
}

export function taken(family: ImageFamily, { at, imageId, token }: EventOf<'taken'>): ImageFamily {
  return changed(family, at, (image) => {
    if (image.imageId !== imageId || isLeaving(image)) return image;
    const others = (image.holds ?? []).filter((hold) => hold.until > at && hold.token !== token);
    return { ...image, holds: [...others, { token, until: at + HOLD_SECONDS * 1000 }].slice(-MOST_HOLDS) };
  });
}

export function released(family: ImageFamily, { at, token }: EventOf<'released'>): ImageFamily {
  return changed(family, at, (image) => {
    if (!image.holds?.some((hold) => hold.token === token)) return image;
    const holds = image.holds.filter((hold) => hold.until > at && hold.token !== token);
    const freed = { ...image, holds };
    if (holds.length === 0) delete (freed as FamilyImage).holds;
    return freed;
  });
}

/** The image that a VM of the name may begin with: one that is to go is none. */
export function imageToTake({ images }: Pick<ImageFamily, 'images'>, vm: string): FamilyImage | undefined {
  return newestReady(
    images.filter((image) => !isLeaving(image)),
    vm,
  );
}

/** Whether nothing can begin with it any more. */
export function isLeaving({ state, leaving }: Pick<FamilyImage, 'state' | 'leaving'>): boolean {
  return state === 'deleting' || leaving !== undefined;
}

/** Whether it is still to be found out if something uses it. */
export function isUndecided({ state, leaving }: Pick<FamilyImage, 'state' | 'leaving'>): boolean {
  return state !== 'deleting' && leaving !== undefined;
}

export function isHeld({ holds }: Pick<FamilyImage, 'holds'>, at: number): boolean {
  return holds?.some(({ until }) => until > at) ?? false;
}

function leave(family: ImageFamily, at: number, causes: ReadonlyMap<string, RemovalCause>): ImageFamily {
  return changed(family, at, (image) => {
    const cause = causes.get(image.imageId);
    return cause === undefined || isLeaving(image) || isHeld(image, at) ? image : { ...image, leaving: cause };
  });
}

/** The very same family where nothing changes. */
function changed(family: ImageFamily, at: number, change: (image: FamilyImage) => FamilyImage): ImageFamily {
  const images = family.images.map(change);
  if (images.every((image, index) => image === family.images[index])) return family;
  return { ...family, images, updatedAt: at };
}
