/** Container images that people register: converted once, then the read-only root of all their machines. */
import { randomUUID } from 'node:crypto';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseGuestContainer, type GuestContainer } from '../../../domain/machine/guest-container.ts';
import { latestFirst, type ImageCopy } from '../../../domain/machine/image-copies.ts';
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

/** What a spec calls a container image; undefined where it does not say that it means one. */
export function nameOfContainer(image: string): string | undefined {
  return asksForContainer(image) ? image.slice(CONTAINER_PREFIX.length) : undefined;
}

/** Of these copies those that came under the name of a registry, whatever they are called here, the latest first. */
export function copiesNamed(copies: readonly ImageCopy[], asked: string): ImageCopy[] {
  const wanted = fullReference(asked);
  return copies
    .filter(({ reference }) => {
      const full = reference === undefined ? undefined : fullReference(reference);
      return full !== undefined && (full === wanted || full.split('@')[0] === wanted);
    })
    .sort(latestFirst);
}

/** Nobody has an image of this name of a registry; `imageUnreachable` where not everybody could be asked. */
export function unknownReference(asked: string, isOfAll: boolean): ProviderError {
  const what = `this host has no container image ${JSON.stringify(asked)}`;
  if (!isOfAll) return new ProviderError('imageUnreachable', `${what}, and the registry does not say now who has it`);
  const todo = 'register it (npm run image -- add NAME ARCHIVE) and name it container:NAME';
  return new ProviderError('imageUnknown', `${what}: ${todo}`);
}
