import type { ImageUse } from './activities.ts';
import type { ImagePolicy } from './retention.ts';
import type { FailedImage, ImageBeginning, ImageRecord } from './state.ts';

/** Everything that can happen to a family of images; `at` is workflow time, epoch ms. */
export type ImageFamilyEvent =
  /** A VM is about to have an image made. Again for one that is known changes nothing. */
  | { kind: 'begun'; at: number; beginning: ImageBeginning }
  /** Of an image that was begun nothing is left. */
  | { kind: 'discarded'; at: number; imageId: string }
  /** An image is whole. Again for one that is known changes nothing. */
  | { kind: 'kept'; at: number; image: ImageRecord }
  | { kind: 'failed'; at: number; failure: Omit<FailedImage, 'at'> }
  /** Somebody wants images gone, whatever they are, and nobody looks who uses them: runs of before. */
  | { kind: 'deleteRequested'; at: number; imageIds: readonly string[] }
  /** Somebody wants images gone that nothing uses. */
  | { kind: 'removalRequested'; at: number; imageIds: readonly string[] }
  /** It is time to look which images are kept no longer. */
  | { kind: 'swept'; at: number; policy: ImagePolicy }
  /** What was found out about an image that is to go. */
  | { kind: 'lookedAt'; at: number; imageId: string; use: ImageUse }
  /** A start is about to begin with an image; `token` names that start. */
  | { kind: 'taken'; at: number; imageId: string; token: string }
  /** The start is there, or was given up. */
  | { kind: 'released'; at: number; token: string }
  /** The image is gone where it was. */
  | { kind: 'deleted'; at: number; imageId: string };

export const IMAGE_EVENT_KINDS = [
  'begun',
  'discarded',
  'kept',
  'failed',
  'deleteRequested',
  'removalRequested',
  'swept',
  'lookedAt',
  'taken',
  'released',
  'deleted',
] as const satisfies readonly ImageFamilyEvent['kind'][];
