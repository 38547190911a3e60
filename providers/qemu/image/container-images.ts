/** Container images that people register: converted once, then the read-only root of all their machines. */
import { randomUUID } from 'node:crypto';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CONVERSION_LIMITS,
  ROOT_FILE,
  convertContainerImage,
  type ConversionLimits,
} from './container/convert-image.ts';
import {
  makeDraft,
  register,
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
