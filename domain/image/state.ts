/**
 * A family of images: those of one VM's name, or of one that was given to a snapshot. JSON only; times are epoch ms. The
 * family of a name that was closed is its session, which outlives the VM.
 */
import type { VmSpec } from '../vm/spec.ts';

/** `dirty`: a later close has taken its place. `deleting`: it is being removed where it is. */
export const IMAGE_STATES = ['ready', 'dirty', 'failed', 'deleting'] as const;
export type ImageState = (typeof IMAGE_STATES)[number];

export const REMOVAL_CAUSES = ['requested', 'dirty', 'retention'] as const;
/** Why an image goes. */
export type RemovalCause = (typeof REMOVAL_CAUSES)[number];

export const IMAGE_ORIGINS = ['close', 'snapshot'] as const;
/** What the image was made for. */
export type ImageOrigin = (typeof IMAGE_ORIGINS)[number];

/** Longer than that of a family, which gives images a number after its own. */
export const IMAGE_NAME = /^[a-z0-9][a-z0-9-]{0,79}$/;

/** What a VM says of an image of its machine, and what a VM that starts from it needs. */
export interface ImageRecord {
  /** As its provider knows it. */
  imageId: string;
  /** The machine that it was made from. */
  machineId: string;
  origin: ImageOrigin;
  /** Null where the family is to give it one. */
  name: string | null;
  vm: string;
  provider: string;
  /** The host that alone has it; null where any worker of the provider can reach it. */
  host: string | null;
  /** Base name of the queues of its place. */
  queue: string;
  /** Null where the provider does not say. */
  sizeBytes: number | null;
  createdAt: number;
  /** Of the VM, with what was sealed for it and what the API signed both with: a claim until that is checked. */
  spec: VmSpec;
  sealed: string | null;
  signature: string | null;
  /** Hash of the request that made the VM, where that named a template. */
  requestHash: string | null;
  /** Id of the API key that asked for the VM. */
  createdBy: string | null;
}

export interface FamilyImage extends ImageRecord {
  name: string;
  state: Exclude<ImageState, 'failed'>;
  /** Since when it is dirty; absent while it is not. */
  dirtySince?: number;
  /** Why it is to go: nothing begins with it any more, and whether something did is being found out, or was. */
  leaving?: RemovalCause;
  /** Starts that are about to begin with it. */
  holds?: ImageHold[];
}

export interface ImageHold {
  token: string;
  /** Whoever holds it has started by then, or never will. */
  until: number;
}

/** An image that a VM has begun to make: whatever becomes of that VM, its family knows what may be left. */
export interface ImageBeginning {
  imageId: string;
  machineId: string;
  vm: string;
  provider: string;
  /** Base name of the queues of its place. */
  queue: string;
}

export interface BegunImage extends ImageBeginning {
  at: number;
  /** Its VM was not about it any more when somebody looked, or was asked for long enough: what is left of it is removed. */
  leaving?: true;
}

/** An image that was not made: nothing is left of it but this. */
export interface FailedImage {
  imageId: string;
  origin: ImageOrigin;
  vm: string;
  at: number;
  detail: string;
  /** Something may be left of it where it was to be. */
  left?: boolean;
}

export interface ImageFamily {
  project: string;
  family: string;
  /** Something was written down; before that an empty family is not over. */
  begun: boolean;
  /** Oldest first. */
  images: FamilyImage[];
  /** The last few that were not made, oldest first. */
  failures: FailedImage[];
  /** Those that are being made, and those of which nobody said what became of them. Absent: none. */
  making?: BegunImage[];
  /** The name that was closed last, and when; null: none was. */
  session: { name: string; closedAt: number } | null;
  /** Numbers in names are never reused while the family is there. */
  nextNumber: number;
  updatedAt: number;
}

/** With as many images what was sealed for their VM is kept, the newest. */
export const SEALED_KEPT = 8;

/** From when an image is taken until its VM is started: longer than any call to Temporal in between may take. */
export const HOLD_SECONDS = 30;

/** As many images that were begun are remembered, the newest. */
export const BEGUN_KEPT = 50;

/** As many failures are kept, the newest. */
export const FAILURES_KEPT = 5;

export function newFamily({
  project,
  family,
  at,
}: Pick<ImageFamily, 'project' | 'family'> & { at: number }): ImageFamily {
  return { project, family, begun: false, images: [], failures: [], session: null, nextNumber: 1, updatedAt: at };
}

/**
 * The image that a VM of the name starts from: the newest one of its own that is ready, or undefined. Snapshots of other VMs
 * may be in its family too.
 */
export function newestReady<Image extends { state: ImageState; vm: string }>(
  images: readonly Image[],
  name: string,
): Image | undefined {
  return images.findLast(({ state, vm }) => state === 'ready' && vm === name);
}
