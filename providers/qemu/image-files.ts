/** A bootable image on disk, checked before a machine is made from it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ProviderError } from '../../domain/provider-error.ts';

/** Paths of the files of an image. */
export interface QemuImage {
  kernel: string;
  initrd: string;
  /** {@link QemuImageManifest} */
  manifest: string;
}

export interface QemuImageManifest {
  createdAt: string;
  kernelVersion: string;
  nodeVersion: string;
  /** Machines with less memory do not boot. */
  minMemoryMb: number;
  kernel: ImageFileFacts;
  initrd: ImageFileFacts;
}

export interface ImageFileFacts {
  bytes: number;
  sha256: string;
}

/** Files whose content was found right, by path, with the time of their last change. */
const CHECKED = new Map<string, number>();

/**
 * The manifest of an image whose files are what was built. Content is read once per file and process. Rejects
 * with `imageMissing` or `imageDamaged`.
 */
export async function checkImage(image: QemuImage): Promise<QemuImageManifest> {
  const text = await readFile(image.manifest, 'utf8').catch(missing(image.manifest));
  const manifest = parseManifest(text);
  if (manifest === undefined) throw damaged(image.manifest, 'it is no manifest');
  await checkFile(image.kernel, manifest.kernel);
  await checkFile(image.initrd, manifest.initrd);
  return manifest;
}

async function checkFile(path: string, said: ImageFileFacts): Promise<void> {
  const { size, mtimeMs } = await stat(path).catch(missing(path));
  if (size !== said.bytes) throw damaged(path, `it has ${size} bytes, built were ${said.bytes}`);
  if (CHECKED.get(path) === mtimeMs) return;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  if (hash.digest('hex') !== said.sha256) throw damaged(path, 'its content differs from what was built');
  CHECKED.set(path, mtimeMs);
}

function parseManifest(text: string): QemuImageManifest | undefined {
  try {
    const value = JSON.parse(text) as Partial<QemuImageManifest> | null;
    const files = [value?.kernel, value?.initrd] as (Partial<ImageFileFacts> | undefined)[];
    const sound = files.every((file) => typeof file?.bytes === 'number' && typeof file.sha256 === 'string');
    return sound && typeof value?.minMemoryMb === 'number' ? (value as QemuImageManifest) : undefined;
  } catch {
    return undefined;
  }
}

function missing(path: string): (cause: unknown) => never {
  return (cause) => {
    throw new ProviderError('imageMissing', `${path} is not there: run \`npm run image\` on this host`, { cause });
  };
}

function damaged(path: string, why: string): ProviderError {
  return new ProviderError('imageDamaged', `${path}: ${why}; remove ${dirname(path)} and run \`npm run image\``);
}
