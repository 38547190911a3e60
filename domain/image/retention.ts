/** How long images are kept that nobody reopens any more. Pure, over what a family shows: its workflow and lists agree. */
import { isoTime } from '../iso-time.ts';
import { fieldsOf } from '../untrusted.ts';
import type { RemovalCause } from './state.ts';
import type { ImageFamilyView, ImageView } from './view.ts';

export const IMAGE_RETENTION = {
  /** A dirty image goes so long after a later close took its place. */
  dirtySeconds: 24 * 3600,
  /** What nobody said more of for so long is looked at, and removed where its VM is not about it any more. */
  orphanSeconds: 3600,
  /** As many images may be kept of one project. */
  maxPerProject: 10_000,
  /** Pause between two looks. */
  sweepIntervalSeconds: 300,
} as const;

/** What a deployment has set. */
export interface ImagePolicy {
  dirtySeconds: number;
  /** From when an image was made, whatever it is; null: as long as nobody deletes it. */
  retentionSeconds: number | null;
  /** From when an image was begun: what nobody is about any more by then is removed. */
  orphanSeconds: number;
}

/** The last moment that a date can name. */
const LAST_TIME = 8.64e15;

export interface Expiry {
  imageId: string;
  /** Epoch ms. */
  at: number;
  cause: Exclude<RemovalCause, 'requested'>;
}

/** When each image of a family goes by itself, where that ever comes: the last one of a family, and of a session, never. */
export function expiriesOf(family: Pick<ImageFamilyView, 'images' | 'session'>, policy: ImagePolicy): Expiry[] {
  const kept = lastOnes(family);
  return family.images.flatMap((image) => {
    const expiry = kept.has(image.imageId) ? undefined : expiryOf(image, policy);
    return expiry === undefined ? [] : [expiry];
  });
}

function expiryOf({ imageId, state, createdAt, dirtySince }: ImageView, policy: ImagePolicy): Expiry | undefined {
  const { dirtySeconds, retentionSeconds } = policy;
  const retained: Expiry | undefined =
    retentionSeconds === null
      ? undefined
      : { imageId, at: Date.parse(createdAt) + retentionSeconds * 1000, cause: 'retention' };
  if (state === 'ready') return retained;
  if (state !== 'dirty' || dirtySince === undefined) return undefined;
  const dirty: Expiry = { imageId, at: Date.parse(dirtySince) + dirtySeconds * 1000, cause: 'dirty' };
  return retained !== undefined && retained.at < dirty.at ? retained : dirty;
}

/** What a reopen takes, and the newest that is ready; of a family without such a one, the newest that is left. */
function lastOnes({ images, session }: Pick<ImageFamilyView, 'images' | 'session'>): Set<string> {
  const newest = images.findLast(({ state }) => state === 'ready') ?? images.findLast(({ state }) => state === 'dirty');
  return new Set([session?.image, newest?.imageId].filter((imageId) => imageId !== undefined));
}

/** How many images a project keeps beside the one named: those that fail or are being deleted are none. */
export function keptImages(images: readonly { imageId: string; state: string }[], besides?: string): number {
  return images.filter(({ imageId, state }) => (state === 'ready' || state === 'dirty') && imageId !== besides).length;
}

/** Whether a look at the family would find something to do. */
export function hasSomethingDue(family: ImageFamilyView, policy: ImagePolicy, now: number): boolean {
  return (
    expiriesOf(family, policy).some(({ at }) => at <= now) ||
    (family.making ?? []).some(({ since }) => Date.parse(since) + policy.orphanSeconds * 1000 <= now)
  );
}

/** A message may carry anything: a policy that is none is undefined. */
export function imagePolicyOf(value: unknown): ImagePolicy | undefined {
  const { dirtySeconds, retentionSeconds, orphanSeconds } = fieldsOf(value);
  if (!isDuration(dirtySeconds) || !isDuration(orphanSeconds)) return undefined;
  if (retentionSeconds !== null && !isDuration(retentionSeconds)) return undefined;
  return { dirtySeconds, retentionSeconds, orphanSeconds };
}

function isDuration(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** For lists: when images go by themselves, as RFC 3339 by their ids. */
export function expiryTimesOf(family: ImageFamilyView, policy: ImagePolicy): Map<string, string> {
  return new Map(expiriesOf(family, policy).map(({ imageId, at }) => [imageId, isoTime(Math.min(at, LAST_TIME))]));
}
