/** Container images that people register: converted once, then the read-only root of all their machines. */
import { randomUUID } from 'node:crypto';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseGuestContainer, type GuestContainer } from '../../../domain/machine/guest-container.ts';
import { parseImageName } from '../../../domain/machine/image-copies.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { PortSpec } from '../../../domain/vm/spec.ts';
import { portsSchema } from '../../host/files/machine-schemas.ts';
import { CONTAINER_PREFIX } from '../capabilities.ts';
import {
  CONVERSION_LIMITS,
  ROOT_FILE,
  convertContainerImage,
  type ConversionLimits,
} from './container/convert-image.ts';
import { fullReference } from './registry/reference.ts';
import {
  listRegistered,
  makeDraft,
  register,
  remedyOf,
  requireImageName,
  type ImageManifest,
  type RegisteredVersion,
} from './registered-images.ts';

export interface ContainerSource {
  name: string;
  /** What the conversion takes. */
  source: string;
  /** As people named it; absent: as the archive does. */
  reference?: string | undefined;
  limits?: ConversionLimits;
}

/** Converts an archive or an OCI layout and registers it, as a new version where the name is taken. Rejects as the conversion does. */
export async function addContainerImage(
  dir: string,
  { name, source, reference, limits = CONVERSION_LIMITS }: ContainerSource,
): Promise<RegisteredVersion> {
  requireImageName(name);
  const draft = await makeDraft(dir, name, randomUUID());
  try {
    const { root, contentBytes, ...container } = await convertContainerImage({ source, outDir: draft, limits });
    await chmod(join(draft, ROOT_FILE), 0o400);
    const manifest: ImageManifest = {
      ...{ kind: 'container', addedAt: new Date().toISOString(), virtualBytes: contentBytes, disk: root },
      container: { ...container, reference: reference ?? container.reference },
    };
    return await register(dir, name, { draft, manifest });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** What a machine of a container image is made of, besides its own disk. */
export interface ContainerImage {
  name: string;
  /** Its files: a read-only file system. */
  root: string;
  sha256: string;
  program: GuestContainer;
  /** Those of a machine whose spec names none. */
  ports: PortSpec[];
}

const containerSchema = z.looseObject({ program: z.unknown(), ports: portsSchema });

/** The container image of a version; undefined for a disk image. Throws `imageDamaged`. */
export function containerOf({ name, kind, path, sha256, manifest }: RegisteredVersion): ContainerImage | undefined {
  if (kind !== 'container') return undefined;
  const said = containerSchema.safeParse(manifest.container).data;
  const program = parseGuestContainer(said?.program);
  if (said === undefined || program === undefined) {
    throw new ProviderError('imageDamaged', `the image ${name} does not say what it runs; ${remedyOf(name)}`);
  }
  return { name, root: path, sha256, program, ports: said.ports };
}

/** Whether a spec says that it means a container image. */
export function asksForContainer(image: string): boolean {
  return image.startsWith(CONTAINER_PREFIX);
}

/**
 * The registered image that a spec means by `NAME`, `container:NAME`, or `container:` and the name of a registry under which
 * an image came to this host. Rejects with `imageUnknown` where this host has none of that name of a registry.
 */
export async function registeredNameOf(dir: string, image: string): Promise<string> {
  if (!asksForContainer(image)) return image;
  const asked = image.slice(CONTAINER_PREFIX.length);
  if (parseImageName(asked) !== undefined) return asked;
  const wanted = fullReference(asked);
  const found = (await listRegistered(dir)).find(({ manifest }) => {
    const reference = manifest.container?.['reference'];
    const full = typeof reference === 'string' ? fullReference(reference) : undefined;
    return full !== undefined && (full === wanted || full.split('@')[0] === wanted);
  });
  if (found !== undefined) return `${found.name}@${found.version}`;
  const todo = 'register it (npm run image -- add NAME ARCHIVE) and name it container:NAME';
  throw new ProviderError('imageUnknown', `this host has no container image ${JSON.stringify(asked)}: ${todo}`);
}
