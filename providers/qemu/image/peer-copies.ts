/** Copies of registered images: those of this host as it says them, and those of others. */
import type { ImageCopy } from '../../../domain/machine/image-copies.ts';
import type { ImagePeers } from '../../../domain/machine/image-peers.ts';
import { PROVIDER_NAME } from '../capabilities.ts';
import type { RegisteredVersion } from './registered-images.ts';

/** What a host says no longer names of: an image is found by its own name all the same. */
const MOST_REFERENCE_CHARACTERS = 512;

export interface PeerCopy {
  hostId: string;
  copy: ImageCopy;
  isAway: boolean;
}

/** What others have of this provider; undefined where nobody can say it now. */
export async function peersOf(peers: ImagePeers | undefined): Promise<PeerCopy[] | undefined> {
  if (peers === undefined) return [];
  const hosts = await peers.list().catch(() => undefined);
  return hosts?.flatMap(({ hostId, copies, isAway }) =>
    copies.filter(({ provider }) => provider === PROVIDER_NAME).map((copy) => ({ hostId, copy, isAway })),
  );
}

/** Those that keep it until somebody removes it come first. */
export function keepersFirst(a: PeerCopy, b: PeerCopy): number {
  return Number(b.copy.origin === 'registered') - Number(a.copy.origin === 'registered');
}

/** What this host says of a version that it has. */
export function copyOf(version: RegisteredVersion, machines: number): ImageCopy {
  const { name, kind, sha256, bytes, sizeGb, addedAt, origin, manifest } = version;
  const reference = referenceOf(version);
  return {
    ...{
      provider: PROVIDER_NAME,
      name,
      version: version.version,
      kind,
      sha256,
      bytes,
      diskGb: sizeGb,
      addedAt,
      origin,
    },
    machines,
    ...(manifest.url === undefined ? {} : { url: manifest.url }),
    ...(reference === undefined ? {} : { reference }),
  };
}

/** The name that the archive of a container image gives it. */
function referenceOf({ manifest }: RegisteredVersion): string | undefined {
  const reference = manifest.container?.['reference'];
  return typeof reference === 'string' && reference.length <= MOST_REFERENCE_CHARACTERS ? reference : undefined;
}
