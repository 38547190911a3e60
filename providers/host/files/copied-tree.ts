/** Copies what programs keep in a directory, for a disk that stays behind when its machine goes. */
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, open, readdir, readlink, symlink, chmod } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CancelSignal } from '../../../domain/machine/provider.ts';
import { withRoomFor } from './copy-room.ts';

/** So much stays free for the machines that run beside it. */
const KEPT_FREE_BYTES = 4 * 1024 * 1024;

/**
 * Copies a directory to a path that is not there yet: files, directories and symbolic links as they are; sockets, pipes and
 * devices belong to the processes that made them and are left out. What it has written is on the disk when it resolves.
 * Resolves with the bytes of all files. An aborted signal rejects with its reason, and errors of the system pass: `ENOSPC`
 * before anything is copied where there is no room, for a file of holes takes its whole size as a copy.
 */
export async function copyTree(from: string, to: string, signal: CancelSignal): Promise<number> {
  const [source, copy] = [Buffer.from(from), Buffer.from(to)];
  const bytes = await bytesOf(source, signal);
  const room = { bytes, dir: dirname(to), keptFreeBytes: KEPT_FREE_BYTES };
  return withRoomFor(room, signal, () => copyDirectory(source, copy, signal));
}

/** Names as the system has them: not every program writes them in UTF-8, and as text such a one is the name of nothing. */
function namesIn(directory: Buffer): Promise<Buffer[]> {
  return readdir(directory, { encoding: 'buffer' });
}

function inside(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, Buffer.from('/'), name]);
}

async function bytesOf(path: Buffer, signal: CancelSignal): Promise<number> {
  signal.throwIfAborted();
  const found = await lstat(path);
  if (!found.isDirectory()) return found.isFile() ? found.size : 0;
  let bytes = 0;
  for (const name of await namesIn(path)) bytes += await bytesOf(inside(path, name), signal);
  return bytes;
}

async function copyDirectory(from: Buffer, to: Buffer, signal: CancelSignal): Promise<number> {
  const { mode } = await lstat(from);
  await mkdir(to, { mode: 0o700 });
  let bytes = 0;
  for (const name of await namesIn(from)) {
    signal.throwIfAborted();
    bytes += await copyEntry(inside(from, name), inside(to, name), signal);
  }
  await chmod(to, mode & 0o7777);
  await synced(to);
  return bytes;
}

async function copyEntry(from: Buffer, to: Buffer, signal: CancelSignal): Promise<number> {
  const found = await lstat(from);
  if (found.isDirectory()) return copyDirectory(from, to, signal);
  if (found.isSymbolicLink()) await symlink(await readlink(from, { encoding: 'buffer' }), to);
  if (!found.isFile()) return 0;
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  await synced(to);
  return found.size;
}

async function synced(path: Buffer): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
