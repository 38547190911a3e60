/** A disk of a few megabytes for tests that fill it: a file system in memory, for as long as the test runs. */
import { execFile, spawnSync } from 'node:child_process';
import { rm, statfs, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isErrno } from '../../providers/host/files/machine-files.ts';
import { temporaryDirectory } from './qemu-harness.ts';

const run = promisify(execFile);

export interface SmallDisk {
  path: string;
  /** Takes all but `freeBytes`. */
  fill: (freeBytes: number) => Promise<void>;
  /** Takes back what {@link SmallDisk.fill} took. */
  makeRoom: () => Promise<void>;
  remove: () => Promise<void>;
}

const [AS_ROOT, ...AS_ROOT_OPTIONS] = process.getuid?.() === 0 ? (['env'] as const) : (['sudo', '-n'] as const);

/** Why no small disk can be had here, or undefined. In CI one that cannot be had is a failure, so nothing is skipped. */
export function whyNoSmallDisk(): string | undefined {
  if (process.env['CI'] || spawnSync(AS_ROOT, [...AS_ROOT_OPTIONS, 'true']).status === 0) return undefined;
  const why = 'a full disk is not tested here: it takes root, or sudo without a password, to mount a small one';
  console.warn(`\n! ${why}\n`);
  return why;
}

/** Rejects where nothing may be mounted. */
export async function smallDisk(megabytes: number): Promise<SmallDisk> {
  const path = await temporaryDirectory();
  const { uid, gid } = userInfo();
  await asRoot('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700,uid=${uid},gid=${gid}`, 'tmpfs', path);
  const filler = join(path, 'filler');
  return {
    path,
    fill: async (freeBytes) => {
      const { bavail, bsize } = await statfs(path);
      const bytes = new Uint8Array(Math.max(0, bavail * bsize - freeBytes));
      await writeFile(filler, bytes, { flag: 'a' }).catch((error: unknown) => {
        // What a guest wrote in this moment is missing now: it is as full as it was to be.
        if (!isErrno(error, 'ENOSPC')) throw error;
      });
    },
    makeRoom: () => rm(filler, { force: true }),
    remove: async () => {
      await asRoot('umount', '--lazy', path);
      await rm(path, { recursive: true });
    },
  };
}

async function asRoot(...command: string[]): Promise<void> {
  await run(AS_ROOT, [...AS_ROOT_OPTIONS, ...command]);
}
