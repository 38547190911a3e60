/**
 * The data of a local machine, on its way into an image and out of it. Nothing else of a machine is in an image: not its
 * manifest, not its agent's secret, not its console.
 */
import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LOCAL_MACHINE_FILE } from '../../domain/machine/local-machine.ts';
import type { CancelSignal } from '../../domain/machine/provider.ts';
import { copyTree } from '../host/files/copied-tree.ts';
import { isErrno, makePrivateDir } from '../host/files/machine-files.ts';

/** Copies what is kept of the stopped machine into the image. Resolves with its bytes. */
export async function keepData(machineDir: string, imageDir: string, signal: CancelSignal): Promise<number> {
  const data = join(machineDir, LOCAL_MACHINE_FILE.data);
  // A program in the machine may have put a link to somewhere else there.
  await makePrivateDir(data);
  return copyTree(data, join(imageDir, LOCAL_MACHINE_FILE.data), signal);
}

/** Gives a directory that has no manifest yet the data of an image: all of it or nothing, by one of several that try. */
export async function bringData(imageDir: string, machineDir: string, signal: CancelSignal): Promise<void> {
  const draft = join(machineDir, `.${LOCAL_MACHINE_FILE.data}-${randomUUID()}`);
  try {
    await copyTree(join(imageDir, LOCAL_MACHINE_FILE.data), draft, signal);
    await rename(draft, join(machineDir, LOCAL_MACHINE_FILE.data));
  } catch (error) {
    if (!isErrno(error, 'ENOTEMPTY') && !isErrno(error, 'EEXIST')) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
