/** The other hosts of the deployment, as a provider fetches registered images from them. */
import type { ImageCopy, ImageVersion } from './image-copies.ts';
import type { CancelSignal } from './provider.ts';

/** What one host said that it has. */
export interface HostCopies {
  hostId: string;
  copies: readonly ImageCopy[];
  /** It cannot be asked now: what it said last. */
  isAway: boolean;
}

/** What a peer sends: what it knows of the image, and its content. */
export interface SentImage {
  manifest: unknown;
  content: AsyncIterable<Uint8Array>;
}

/** The other hosts of the deployment, as a provider fetches images from them. */
export interface ImagePeers {
  /** All of the registry, some seconds old at most. Rejects where that does not answer. */
  list(): Promise<HostCopies[]>;
  /** Rejects where that host does not send it. */
  fetch(hostId: string, image: ImageVersion, signal: CancelSignal): Promise<SentImage>;
  /** Whether that host has it now, and keeps it until somebody removes it. */
  keeps(hostId: string, image: ImageVersion, signal: CancelSignal): Promise<boolean>;
}
