/**
 * The first bytes of a qcow2 file, judged before any program of QEMU opens it: a header may name other files of the
 * host, which a guest would then read as its disk.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { ProviderError } from '../../../domain/machine/provider-error.ts';

const MAGIC = Buffer.from([0x51, 0x46, 0x49, 0xfb]);
const HEADER_BYTES = 104;
/** Features without which the file cannot be read rightly; bit 0 (not closed) is left to `qemu-img check`. */
const CORRUPT = 1n << 1n;
const EXTERNAL_DATA = 1n << 2n;
const KNOWN_FEATURES = 0b11111n;
const BYTES_PER_GB = 1024 ** 3;
/** What qcow2 itself allows. */
const MOST_BACKING_BYTES = 1023;

export interface Qcow2Facts {
  /** Size of the disk that a guest sees. */
  virtualBytes: number;
}

/** Rejects with `imageRefused` for what is no plain qcow2 file and `imageDamaged` for what is marked so. */
export async function readQcow2Header(file: FileHandle, path: string): Promise<Qcow2Facts> {
  const header = await readHeader(file);
  if (header === undefined) {
    throw refused(`${path} is no qcow2 file: convert it with \`qemu-img convert -O qcow2 FILE NEW.qcow2\``);
  }
  const { version, features } = header;
  if (version !== 2 && version !== 3) throw refused(`${path} is qcow2 of version ${version}: give version 2 or 3`);
  if (header.backingOffset !== 0n) {
    throw refused(
      `${path} has a backing file, another file of this host: make it one with \`qemu-img convert -O qcow2 FILE NEW.qcow2\``,
    );
  }
  if (header.isEncrypted) throw refused(`${path} is encrypted: give it in the clear`);
  if ((features & EXTERNAL_DATA) !== 0n) {
    throw refused(`${path} has its data in another file of this host: make it one with \`qemu-img convert\``);
  }
  if ((features & CORRUPT) !== 0n) {
    throw new ProviderError('imageDamaged', `${path} is marked as corrupt: make or download it anew`);
  }
  if ((features & ~KNOWN_FEATURES) !== 0n) throw refused(`${path} uses features of qcow2 that are not known here`);
  return { virtualBytes: Number(header.virtualBytes) };
}

/** What a disk was made as. */
export interface ExpectedDisk {
  virtualBytes: number;
  /** The file that it lies over, as its header names it; null for one that lies over none. */
  backing: string | null;
}

/**
 * Rejects with `imageDamaged` for a qcow2 file that is not of this size over this file alone. Who broke out of a guest has
 * its disk and may have written another header into it, by which the next program of QEMU would open any file of the host.
 */
export async function requireDiskAsMade(path: string, { virtualBytes, backing }: ExpectedDisk): Promise<void> {
  const file = await open(path, 'r');
  try {
    const header = await readHeader(file);
    const isSame =
      header !== undefined &&
      (header.features & (CORRUPT | EXTERNAL_DATA | ~KNOWN_FEATURES)) === 0n &&
      !header.isEncrypted &&
      header.virtualBytes === BigInt(virtualBytes) &&
      (await backingOf(file, header)) === backing;
    if (isSame) return;
  } finally {
    await file.close();
  }
  throw new ProviderError('imageDamaged', `${path} is not the disk that was made any more: destroy its VM`);
}

interface Header {
  version: number;
  isEncrypted: boolean;
  features: bigint;
  virtualBytes: bigint;
  backingOffset: bigint;
  backingLength: number;
}

/** Undefined for what is no qcow2 file. */
async function readHeader(file: FileHandle): Promise<Header | undefined> {
  const header = Buffer.alloc(HEADER_BYTES);
  const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0);
  if (bytesRead < 72 || !header.subarray(0, 4).equals(MAGIC)) return undefined;
  const version = header.readUInt32BE(4);
  return {
    version,
    isEncrypted: header.readUInt32BE(32) !== 0,
    features: version === 3 ? header.readBigUInt64BE(72) : 0n,
    virtualBytes: header.readBigUInt64BE(24),
    backingOffset: header.readBigUInt64BE(8),
    backingLength: header.readUInt32BE(16),
  };
}

async function backingOf(file: FileHandle, { backingOffset, backingLength }: Header): Promise<string | null> {
  if (backingOffset === 0n) return null;
  const name = Buffer.alloc(Math.min(backingLength, MOST_BACKING_BYTES));
  const { bytesRead } = await file.read(name, 0, name.length, Number(backingOffset));
  return name.toString('utf8', 0, bytesRead);
}

/** Whole gigabytes that hold a disk of so many bytes. */
export function gigabytesFor(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / BYTES_PER_GB));
}

function refused(message: string): ProviderError {
  return new ProviderError('imageRefused', message);
}
