/**
 * The disk of a machine: a qcow2 file that grows only as the guest writes. It is blank, or an overlay over a
 * registered image, which thereby stays as it is. Where qemu-img is not installed a blank disk is a sparse file.
 */
import { randomUUID } from 'node:crypto';
import { link, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ProviderError } from '../../domain/provider-error.ts';
import type { VmSpec } from '../../domain/vm-spec.ts';
import { isErrno } from '../host/machine-files.ts';
import { BUILT_IN_IMAGE, findDiskImage } from './disk-images.ts';
import { QEMU_MACHINE_FILE, type MachineDisk } from './machine-order.ts';
import { hasQemuImg, qemuImg } from './qemu-img.ts';

const BYTES_PER_GB = 1024 ** 3;
/** What a full qcow2 file holds besides its content: 1/4096 is more than its tables take. */
const TABLE_SHARE = 4096;
const SLACK_BYTES = 16 * 1024 ** 2;

/**
 * The disk that a machine of the spec gets; null for none. `images`: where registered images are. Rejects with
 * `imageUnknown`, `imageDamaged` or `badSpec`.
 */
export async function diskFor({ image, diskGb }: VmSpec, images: string): Promise<MachineDisk | null> {
  if (image === BUILT_IN_IMAGE) {
    if (diskGb === null) return null;
    return { format: (await hasQemuImg()) ? 'qcow2' : 'raw', sizeGb: diskGb, base: null };
  }
  const { name, path, sizeGb } = await findDiskImage(images, image);
  if (diskGb !== null && diskGb < sizeGb) {
    throw new ProviderError('badSpec', `diskGb: ${diskGb} is less than the ${sizeGb} of the image ${name}`);
  }
  return { format: 'qcow2', sizeGb: diskGb ?? sizeGb, base: { image: name, path } };
}

/** Where the disk of the machine in `dir` is. */
export function diskPath(dir: string, { format }: MachineDisk): string {
  return join(dir, QEMU_MACHINE_FILE.disk[format]);
}

/** How far the file of a disk can grow. */
export function mostBytesOf({ sizeGb }: MachineDisk): number {
  const bytes = sizeGb * BYTES_PER_GB;
  return bytes + Math.ceil(bytes / TABLE_SHARE) + SLACK_BYTES;
}

/** Makes the disk unless it is there: another caller's is never touched. Rejects with `diskFull` or `bootFailed`. */
export async function makeDisk(dir: string, disk: MachineDisk): Promise<void> {
  const path = diskPath(dir, disk);
  const draft = `${path}.${randomUUID()}`;
  try {
    await makeFile(draft, disk);
    await link(draft, path);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function makeFile(path: string, { format, sizeGb, base }: MachineDisk): Promise<void> {
  // Made first, so that it is ours alone whatever the umask is.
  const file = await open(path, 'wx', 0o600);
  try {
    if (format === 'raw') await file.truncate(sizeGb * BYTES_PER_GB);
  } finally {
    await file.close();
  }
  if (format === 'raw') return;
  // The format of the base is said: QEMU would else guess it from content that a guest may have written.
  const over = base === null ? [] : ['-b', base.path, '-F', 'qcow2'];
  await qemuImg(['create', '-q', '-f', 'qcow2', ...over, path, `${sizeGb}G`]).catch((error: unknown) => {
    if (error instanceof ProviderError) throw error;
    const { message } = error as Error;
    const code = message.includes('No space left') ? 'diskFull' : 'bootFailed';
    throw new ProviderError(code, `the disk cannot be made: ${message}`, { cause: error });
  });
}
