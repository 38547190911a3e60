import type { ImageFailure } from './messages.ts';
import type { ImagePolicy } from './retention.ts';
import type { ImageBeginning, ImageRecord } from './state.ts';

/** What the workflow of a VM asks of control workers for the images of its machine. Each is idempotent. */
export interface ImageKeepingActivities {
  /** Resolves once the family has written down that the image is begun. Errors: `tooManyImages`, before anything is made. */
  beginImage: (input: { project: string; family: string; beginning: ImageBeginning }) => Promise<void>;
  /** Resolves once the family has written the image down, with the name that it has there. */
  keepImage: (input: { project: string; family: string; image: ImageRecord }) => Promise<{ name: string }>;
  /** Resolves once the family has written down that there is none. */
  noteImageFailure: (input: { project: string; family: string; failure: ImageFailure }) => Promise<void>;
}

/** `started`: a VM that lives began with it. `making`: its own VM is still about it. */
export const IMAGE_USES = ['free', 'started', 'making'] as const;
export type ImageUse = (typeof IMAGE_USES)[number];

/** What the workflow of a family asks of control workers. */
export interface ImageUseActivities {
  /** As Temporal knows it now, by the VM of the image's name, which alone can begin with it. */
  findImageUse: (input: { project: string; vm: string; imageId: string }) => Promise<ImageUse>;
}

/** What the sweep of images asks of control workers. */
export interface ImageSweepActivities {
  /** Has each family look for itself that has an image which is kept no longer. */
  expireImages: (input: { policy: ImagePolicy }) => Promise<ExpiredImages>;
}

/** What one look at all families came to. */
export interface ExpiredImages {
  families: number;
  /** Ids of images that are being deleted. */
  leaving: string[];
  /** Families that could not be asked: the next look asks them again. */
  failed: number;
}
