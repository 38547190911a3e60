/**
 * What is known of images before they are whole. A family hears of each before anything of it is there, so that whatever is
 * killed, what it leaves has somebody who removes it.
 */
import type { ImageFamilyEvent } from './events.ts';
import { BEGUN_KEPT, type BegunImage, type ImageFamily } from './state.ts';

type EventOf<Kind extends ImageFamilyEvent['kind']> = Extract<ImageFamilyEvent, { kind: Kind }>;

export function begun(family: ImageFamily, { at, beginning }: EventOf<'begun'>): ImageFamily {
  const { imageId } = beginning;
  const { making = [], images } = family;
  if (making.some((one) => one.imageId === imageId) || images.some((one) => one.imageId === imageId)) return family;
  return { ...family, begun: true, making: [...making, { ...beginning, at }].slice(-BEGUN_KEPT), updatedAt: at };
}

export function discarded(family: ImageFamily, { at, imageId }: EventOf<'discarded'>): ImageFamily {
  const now = withoutBeginning(family, imageId);
  return now === family ? family : { ...now, updatedAt: at };
}

/** The very same family where the image was not begun. */
export function withoutBeginning(family: ImageFamily, imageId: string): ImageFamily {
  const making = family.making?.filter((one) => one.imageId !== imageId);
  if (making === undefined || making.length === family.making?.length) return family;
  if (making.length > 0) return { ...family, making };
  const now = { ...family };
  delete now.making;
  return now;
}

/** Those that have been on their way for so long are looked at. */
export function overdue(family: ImageFamily, at: number, orphanSeconds: number): ImageFamily {
  const isDue = (one: BegunImage): boolean => one.leaving === undefined && one.at + orphanSeconds * 1000 <= at;
  if (!family.making?.some(isDue)) return family;
  const making = family.making.map((one): BegunImage => (isDue(one) ? { ...one, leaving: true } : one));
  return { ...family, making, updatedAt: at };
}

/** One that its VM is still about goes on; of one that nobody is about what is left is removed. */
export function lookedAtBeginning(family: ImageFamily, imageId: string, at: number): ImageFamily {
  if (!family.making?.some((one) => one.imageId === imageId && one.leaving)) return family;
  const making = family.making.map((one): BegunImage => {
    if (one.imageId !== imageId) return one;
    const stays = { ...one };
    delete stays.leaving;
    return stays;
  });
  return { ...family, making, updatedAt: at };
}
