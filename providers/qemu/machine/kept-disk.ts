/**
 * The disk of a guest, on its way into an image and out of it. Nothing else of a machine is in an image: not its assignment,
 * not the volume with its cloud-init data, not its console.
 *
 * An image is one file that lies over no other, so that it needs neither the machine nor the registered image it was made
 * from. A machine that starts from it gets an overlay over a second name of that file: what is deleted as an image stays a
 * machine's disk for as long as there is such a machine.
 */
import { chmod, chown, link, open, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CancelSignal } from '../../../domain/machine/provider.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { readChecked } from '../../host/files/checked-file.ts';
import { withRoomFor } from '../../host/files/copy-room.ts';
import { isErrno, jsonText } from '../../host/files/machine-files.ts';
import { confinedQemuImg, fileOf } from '../image/confined-qemu-img.ts';
import { requireDiskAsMade } from '../image/qcow2-header.ts';
import {
  BYTES_PER_GB,
  backingOf,
  diskPath,
  makeDisk,
  mostBytesOf,
  requireOwnDisk,
  type KeptDisk,
} from './machine-disk.ts';
import { QEMU_MACHINE_FILE, readManifest, type MachineDisk } from './machine-manifest.ts';

const FILE = { disk: 'disk.qcow2', facts: 'disk.json' } as const;
/** So much stays free for the machines that run beside it. */
const KEPT_FREE_BYTES = 64 * 1024 ** 2;
/** Nobody writes it any more. Its directory is shut to others: who is handed it open may read it, nobody finds it. */
const KEPT_MODE = 0o444;

const keptSchema = z.looseObject({
  disk: z
    .looseObject({ sizeGb: z.int().min(1), image: z.string().nullable(), rootSha256: z.string().exactOptional() })
    .nullable(),
}) satisfies z.ZodType<{ disk: KeptDisk | null }>;

/**
 * Writes the disk of the stopped machine into the image; a machine without one leaves an image without one. Resolves with
 * its bytes. Errors: those of the system, `ENOSPC` among them; `imageDamaged` for a disk that is not what was made,
 * `hypervisorMissing`.
 */
export async function keepDisk(machineDir: string, imageDir: string, signal: CancelSignal): Promise<number> {
  const manifest = await readManifest(machineDir);
  if (manifest === undefined) throw new ProviderError('machineEnded', `${machineDir} holds no machine`);
  const { disk, container } = manifest;
  const bytes = disk === null ? 0 : await copyDisk({ machineDir, imageDir, disk, uid: ownUid(manifest.uid) }, signal);
  const booted =
    container === undefined
      ? { image: disk?.base?.image ?? null }
      : { image: container.image, rootSha256: container.sha256 };
  const kept: KeptDisk | null = disk === null ? null : { sizeGb: disk.sizeGb, ...booted };
  await writeFile(join(imageDir, FILE.facts), jsonText({ disk: kept }), { mode: 0o600, flush: true });
  return bytes;
}

/** The disk of an image; null where its machine had none. Errors: `imageGone`, `hostFailure`. */
export async function readKeptDisk(imageDir: string): Promise<KeptDisk | null> {
  const facts = await readChecked(join(imageDir, FILE.facts), keptSchema);
  if (facts === undefined) throw gone(imageDir);
  return facts.disk;
}

/** Gives a directory that has no manifest yet the disk of an image; again is fine. Errors: `imageGone`. */
export async function bringDisk(imageDir: string, machineDir: string): Promise<void> {
  if ((await readKeptDisk(imageDir)) === null) return;
  try {
    await link(join(imageDir, FILE.disk), join(machineDir, QEMU_MACHINE_FILE.keptDisk));
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return;
    throw isErrno(error, 'ENOENT') ? gone(imageDir) : error;
  }
}

function gone(imageDir: string): ProviderError {
  return new ProviderError('imageGone', `the image in ${imageDir} was deleted meanwhile`);
}

/** Guests have users of their own only where root starts them. */
function ownUid(uid: number | undefined): number | undefined {
  return process.getuid?.() === 0 ? uid : undefined;
}

interface DiskCopy {
  machineDir: string;
  imageDir: string;
  disk: MachineDisk;
  uid: number | undefined;
}

async function copyDisk({ machineDir, imageDir, disk, uid }: DiskCopy, signal: CancelSignal): Promise<number> {
  // One that was reset and not started since has none.
  await makeDisk(machineDir, disk);
  const source = diskPath(machineDir, disk);
  const target = join(imageDir, FILE.disk);
  const backing = await backingOf(machineDir, disk);
  await requireOwnDisk(machineDir, disk);
  if (uid !== undefined) await chown(source, uid, uid);
  if (uid !== undefined && backing !== null) await chmod(backing.path, KEPT_MODE);
  const opened: FileHandle[] = [];
  const opens = async (path: string, flags: string): Promise<FileHandle> => {
    const file = await open(path, flags, 0o600);
    opened.push(file);
    return file;
  };
  try {
    const to = await opens(target, 'wx+');
    if (uid !== undefined) await to.chown(uid, uid);
    const files = [to, await opens(source, 'r'), ...(backing === null ? [] : [await opens(backing.path, 'r')])];
    const from = sourceOf(disk, backing !== null);
    const confined = { files, uid, fileLimitBytes: mostBytesOf(disk) };
    // Without a lock on it (-U): one whose worker was killed copies on for nobody, and must keep no start from the disk.
    const measured = await qemuImg(confined, ['measure', '-U', '--output=json', '-O', 'qcow2', from], signal);
    // What it will take at most is known before anything is written.
    const room = {
      bytes: measuredSchema.parse(JSON.parse(measured)).required,
      dir: imageDir,
      keptFreeBytes: KEPT_FREE_BYTES,
    };
    const convert = ['convert', '-U', '-q', '-O', 'qcow2', from, fileOf(0)];
    await withRoomFor(room, signal, () => qemuImg(confined, convert, signal));
    await to.sync();
    if (uid !== undefined) await to.chown(0, 0);
    await to.chmod(KEPT_MODE);
  } finally {
    for (const file of opened) await file.close();
  }
  await requireDiskAsMade(target, { virtualBytes: disk.sizeGb * BYTES_PER_GB, backing: null });
  return (await stat(target)).size;
}

type Confined = Omit<Parameters<typeof confinedQemuImg>[0], 'args'>;

/** What it says against the disk of a guest is of no host's making, and no other try says otherwise. */
async function qemuImg(confined: Confined, args: readonly string[], signal: CancelSignal): Promise<string> {
  try {
    return await confinedQemuImg({ ...confined, args }, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ProviderError || isErrno(error, 'ENOSPC')) throw error;
    const { message } = error as Error;
    throw new ProviderError('imageDamaged', `the disk cannot be copied: ${message}`, { cause: error });
  }
}

/** Every file of it is said, so that no header is asked for one. */
function sourceOf({ format }: MachineDisk, hasBacking: boolean): string {
  const file = (place: number): object => ({ driver: 'file', filename: fileOf(place) });
  if (format === 'raw') return `json:${JSON.stringify({ driver: 'raw', file: file(1) })}`;
  const backing = hasBacking ? { driver: 'qcow2', file: file(2), backing: null } : null;
  return `json:${JSON.stringify({ driver: 'qcow2', file: file(1), backing })}`;
}

const measuredSchema = z.looseObject({ required: z.number() });
