/** Disk images that people register: qcow2 files, copied and judged before QEMU boots a guest from them. */
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { isErrno } from '../../host/files/machine-files.ts';
import type { ImageFileFacts } from './image-files.ts';
import { readQcow2Header } from './qcow2-header.ts';
import { qemuImg } from './qemu-img.ts';
import {
  IMAGE_CONTENT,
  makeDraft,
  refused,
  register,
  requireImageName,
  type ImageManifest,
  type RegisteredVersion,
} from './registered-images.ts';

/**
 * Copies a qcow2 file and registers it, as a new version where the name is taken. Rejects with `imageRefused` for a wrong
 * name, a link, or a file that would read others of this host; with `imageDamaged` for one that QEMU finds faulty.
 */
export async function addDiskImage(
  dir: string,
  name: string,
  source: string,
  { what = source, ...also }: Pick<ImageManifest, 'url'> & { what?: string } = {},
): Promise<RegisteredVersion> {
  requireImageName(name);
  const draft = await makeDraft(dir, name, randomUUID());
  try {
    const path = join(draft, IMAGE_CONTENT.qcow2);
    const disk = await copy(source, path);
    const virtualBytes = await judgeDiskImage(path, what);
    const manifest: ImageManifest = { addedAt: new Date().toISOString(), kind: 'qcow2', virtualBytes, disk, ...also };
    return await register(dir, name, { draft, manifest });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/**
 * The size of the disk in a file that nobody else writes; from then on nobody writes it at all. `source` is its name for
 * people. Rejects as {@link addDiskImage}.
 */
export async function judgeDiskImage(path: string, source: string): Promise<number> {
  const file = await open(path, 'r');
  try {
    const { virtualBytes } = await readQcow2Header(file, source);
    await refuseFaulty(path, source);
    await chmod(path, 0o400);
    return virtualBytes;
  } finally {
    await file.close();
  }
}

async function copy(source: string, path: string): Promise<ImageFileFacts> {
  const from = await openPlain(source);
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    const to = await open(path, 'wx', 0o600);
    await pipeline(
      from.createReadStream({ autoClose: false }),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          bytes += chunk.length;
          yield chunk;
        }
      },
      to.createWriteStream(),
    );
    return { bytes, sha256: hash.digest('hex') };
  } finally {
    await from.close();
  }
}

async function openPlain(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      if (isErrno(error, 'ELOOP')) throw refused(`${path} is a symbolic link: name the file itself`);
      throw refused(`${path} cannot be read: ${(error as Error).message}`);
    },
  );
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw refused(`${path} is no file`);
}

async function refuseFaulty(path: string, source: string): Promise<void> {
  await qemuImg(['check', '-q', '-f', 'qcow2', path]).catch((error: unknown) => {
    if (error instanceof ProviderError) throw error;
    throw new ProviderError(
      'imageDamaged',
      `qemu-img check finds ${source} faulty: make or download it anew (${(error as Error).message})`,
      { cause: error },
    );
  });
}
