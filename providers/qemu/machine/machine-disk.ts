/**
 * The disk of a machine: a qcow2 file that grows only as the guest writes. It is blank, or an overlay over a registered
 * image or over the disk that an image of a machine kept, which thereby stay as they are. Where qemu-img is not installed
 * a blank disk is a sparse file.
 */
import { randomUUID } from 'node:crypto';
import { link, lstat, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { unlessAbsent } from '../../host/host-failure.ts';
import { isErrno } from '../../host/files/machine-files.ts';
import { BUILT_IN_IMAGE } from '../capabilities.ts';
import { contentPathOf, type RegisteredVersion } from '../image/registered-images.ts';
import { QEMU_MACHINE_FILE, type MachineDisk } from './machine-manifest.ts';
import { makeFileSystem } from './file-system.ts';
import { requireDiskAsMade } from '../image/qcow2-header.ts';
import { hasQemuImg, qemuImg } from '../image/qemu-img.ts';

export const BYTES_PER_GB = 1024 ** 3;
/** What a full qcow2 file holds besides its content: 1/4096 is more than its tables take. */
const TABLE_SHARE = 4096;
const SLACK_BYTES = 16 * 1024 ** 2;

/** Whether the spec is of an image that somebody registered. */
export function isOfRegistered({ image }: VmSpec): boolean {
  return image !== BUILT_IN_IMAGE;
}

/** The disk of a machine of the built-in image; null for none. */
export async function blankDisk({ diskGb }: VmSpec): Promise<MachineDisk | null> {
  if (diskGb === null) return null;
  return { format: (await hasQemuImg()) ? 'qcow2' : 'raw', sizeGb: diskGb, base: null };
}

/** The disk of a machine that lies over this version of its image, whatever its name stands for later. */
export function diskOver(spec: VmSpec, { path, sizeGb }: Pick<RegisteredVersion, 'path' | 'sizeGb'>): MachineDisk {
  return { format: 'qcow2', sizeGb: diskSizeGb(spec, sizeGb), base: { image: spec.image, path } };
}

/** What it has at least, or as much more as the spec says. Throws `badSpec` where that is less. */
export function diskSizeGb({ image, diskGb }: VmSpec, leastGb: number): number {
  if (diskGb !== null && diskGb < leastGb) {
    throw new ProviderError('badSpec', `diskGb: ${diskGb} is less than the ${leastGb} of the image ${image}`);
  }
  return diskGb ?? leastGb;
}

/** The disk of a machine of a container image, for what its program writes. */
export function diskBesides(spec: VmSpec, { sizeGb }: Pick<RegisteredVersion, 'sizeGb'>): MachineDisk {
  return { format: 'raw', sizeGb: diskSizeGb(spec, sizeGb), base: null, fileSystem: 'ext4' };
}

/** The disk of an image. */
export interface KeptDisk {
  sizeGb: number;
  /** The registered image that it boots; null: it is a disk of the built-in one. */
  image: string | null;
  /** Where that is a container image: of the files over which what is on the disk was written. */
  rootSha256?: string;
}

/**
 * The disk of a machine of the spec that starts with the disk of an image. Rejects with `badSpec` where the spec is of
 * another image than that disk, or wants a smaller one.
 */
export function diskFrom({ image, diskGb }: VmSpec, kept: KeptDisk, images: string): MachineDisk {
  const booted = kept.image ?? BUILT_IN_IMAGE;
  if (image !== booted) {
    throw new ProviderError('badSpec', `image: the disk that the VM starts from is of ${booted}, not of ${image}`);
  }
  if (diskGb !== null && diskGb < kept.sizeGb) {
    throw new ProviderError('badSpec', `diskGb: ${diskGb} is less than the ${kept.sizeGb} that the VM starts from`);
  }
  const isBlank = kept.image === null || kept.rootSha256 !== undefined;
  const base = isBlank ? null : { image: booted, path: contentPathOf(images, booted) };
  return { format: 'qcow2', sizeGb: diskGb ?? kept.sizeGb, base };
}

/** What the disk of the machine in `dir` lies over, and the name of that in its header; null where it lies over nothing. */
export async function backingOf(
  dir: string,
  { format, base }: MachineDisk,
): Promise<{ path: string; name: string } | null> {
  if (format === 'raw') return null;
  const name = QEMU_MACHINE_FILE.keptDisk;
  const path = join(dir, name);
  // A machine has it from before its manifest until a reset.
  if ((await unlessAbsent(lstat(path))) !== undefined) return { path, name };
  return base === null ? null : { path: base.path, name: base.path };
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

/**
 * Makes the disk unless it is there: another caller's is never touched. Rejects with `diskFull` or
 * `bootFailed`.
 */
export async function makeDisk(dir: string, disk: MachineDisk): Promise<void> {
  const path = diskPath(dir, disk);
  const draft = `${path}.${randomUUID()}`;
  try {
    await makeFile(draft, disk, await backingOf(dir, disk));
    await link(draft, path);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Rejects with `imageDamaged` where QEMU would find another disk there than the one that was made. */
export async function requireOwnDisk(dir: string, disk: MachineDisk): Promise<void> {
  if (disk.format === 'raw') return;
  const backing = await backingOf(dir, disk);
  const made = { virtualBytes: disk.sizeGb * BYTES_PER_GB, backing: backing?.name ?? null };
  await requireDiskAsMade(diskPath(dir, disk), made);
}

async function makeFile(
  path: string,
  { format, sizeGb, fileSystem }: MachineDisk,
  backing: { name: string } | null,
): Promise<void> {
  // Made first, so that it is ours alone whatever the umask is.
  const file = await open(path, 'wx', 0o600);
  try {
    if (format === 'raw') await file.truncate(sizeGb * BYTES_PER_GB);
  } finally {
    await file.close();
  }
  if (fileSystem !== undefined && backing === null) await makeFileSystem(path);
  if (format === 'raw') return;
  // The format of the base is said: QEMU would else guess it from content that a guest may have written.
  const over = backing === null ? [] : ['-b', backing.name, '-F', 'qcow2'];
  await qemuImg(['create', '-q', '-f', 'qcow2', ...over, path, `${sizeGb}G`]).catch((error: unknown) => {
    if (error instanceof ProviderError) throw error;
    const { message } = error as Error;
    const code = message.includes('No space left') ? 'diskFull' : 'bootFailed';
    throw new ProviderError(code, `the disk cannot be made: ${message}`, { cause: error });
  });
}
