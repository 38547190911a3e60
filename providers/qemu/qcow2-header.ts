/**
 * The first bytes of a qcow2 file, judged before any program of QEMU opens it: a header may name other files of the
 * host, which a guest would then read as its disk.
 */
import type { FileHandle } from 'node:fs/promises';
import { ProviderError } from '../../domain/provider-error.ts';

const MAGIC = Buffer.from([0x51, 0x46, 0x49, 0xfb]);
const HEADER_BYTES = 104;
/** Features without which the file cannot be read rightly; bit 0 (not closed) is left to `qemu-img check`. */
const CORRUPT = 1n << 1n;
const EXTERNAL_DATA = 1n << 2n;
const KNOWN_FEATURES = 0b11111n;
const BYTES_PER_GB = 1024 ** 3;

export interface Qcow2Facts {
  /** Size of the disk that a guest sees. */
  virtualBytes: number;
}

/** Rejects with `imageRefused` for what is no plain qcow2 file and `imageDamaged` for what is marked so. */
export async function readQcow2Header(file: FileHandle, path: string): Promise<Qcow2Facts> {
  const header = Buffer.alloc(HEADER_BYTES);
  const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0);
  if (bytesRead < 72 || !header.subarray(0, 4).equals(MAGIC)) {
    throw refused(`${path} is no qcow2 file: convert it with \`qemu-img convert -O qcow2 FILE NEW.qcow2\``);
  }
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw refused(`${path} is qcow2 of version ${version}: give version 2 or 3`);
  if (header.readBigUInt64BE(8) !== 0n) {
    throw refused(
      `${path} has a backing file, another file of this host: make it one with \`qemu-img convert -O qcow2 FILE NEW.qcow2\``,
    );
  }
  if (header.readUInt32BE(32) !== 0) throw refused(`${path} is encrypted: give it in the clear`);
  const features = version === 3 ? header.readBigUInt64BE(72) : 0n;
  if ((features & EXTERNAL_DATA) !== 0n) {
    throw refused(`${path} has its data in another file of this host: make it one with \`qemu-img convert\``);
  }
  if ((features & CORRUPT) !== 0n) {
    throw new ProviderError('imageDamaged', `${path} is marked as corrupt: make or download it anew`);
  }
  if ((features & ~KNOWN_FEATURES) !== 0n) throw refused(`${path} uses features of qcow2 that are not known here`);
  return { virtualBytes: Number(header.readBigUInt64BE(24)) };
}

/** Whole gigabytes that hold a disk of so many bytes. */
export function gigabytesFor(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / BYTES_PER_GB));
}

function refused(message: string): ProviderError {
  return new ProviderError('imageRefused', message);
}
