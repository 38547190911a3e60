/** Makes a read-only file system of a tar archive. Needs mksquashfs, and neither root nor a place to unpack. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ProviderError } from '../../../../domain/machine/provider-error.ts';
import { isErrno } from '../../../host/files/machine-files.ts';

const PROGRAM = 'mksquashfs';
/** 2 to 3 times as fast as the default, for a few per cent more room. */
const COMPRESSION = ['-comp', 'zstd', '-Xcompression-level', '3'];
const MAX_SAID = 4000;

export interface SquashfsInput {
  /** A whole tar archive: directories first, no path twice, each file right before its hard links. */
  archive: AsyncIterable<Buffer>;
  path: string;
}

/** Writes the file system to `path`. Errors: `toolMissing`, `diskFull`, those of the archive. */
export async function makeSquashfs({ archive, path }: SquashfsInput): Promise<void> {
  const flags = ['-tar', ...COMPRESSION, '-mkfs-time', '0', '-quiet', '-no-progress', '-noappend'];
  const child = spawn(PROGRAM, ['-', path, ...flags], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (text: string) => (said = `${said}${text}`.slice(-MAX_SAID)));
  }
  const ended = once(child, 'close') as Promise<[code: number | null]>;
  const [fed, end] = await Promise.allSettled([pipeline(Readable.from(archive), child.stdin), ended]);
  if (end.status === 'rejected') throw missing(end.reason);
  const [code] = end.value;
  // Where it ends first there is no more reader, which says less than what it said itself.
  if (fed.status === 'rejected' && !isErrno(fed.reason, 'EPIPE')) throw fed.reason;
  if (code === 0 && fed.status === 'fulfilled') return;
  const full = said.includes('No space left');
  throw new ProviderError(full ? 'diskFull' : 'imageDamaged', `${PROGRAM} cannot make ${path}: ${said.trim()}`);
}

/** The program that makes a root, where it is installed. Errors: `toolMissing`. */
function missing(cause: unknown): unknown {
  if (!isErrno(cause, 'ENOENT')) return cause;
  const text = `${PROGRAM} is not installed on this computer; container images need it (Debian: apt-get install squashfs-tools)`;
  return new ProviderError('toolMissing', text, { cause });
}
