/** A machine's directory appears whole: a death in the middle leaves a draft under another name, which is no machine. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { leftoverPath, removeLeftover } from './leftovers.ts';
import { isErrno, makePrivateDir, writeOnce } from './machine-files.ts';

/** A file's name and its text; the last one of a directory is its manifest, by which the machine is found. */
export type FirstFile = readonly [name: string, text: string];

/** What a rename says of a name that is no empty directory. */
const IS_TAKEN = ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'] as const;

/**
 * True when this call made the directory with these files, false when a machine was there. In a directory that lacks its
 * manifest the files are completed. `fill` brings what has to be there before them, and again where that is there. Errors: those of the file system, `permissionDenied` for a directory of somebody else.
 */
export async function makeMachineDirectory(
  dir: string,
  files: readonly FirstFile[],
  fill: (dir: string) => Promise<void> = () => Promise.resolve(),
): Promise<boolean> {
  const draft = leftoverPath(dirname(dir));
  await mkdir(draft, { mode: 0o700 });
  try {
    await fill(draft);
    for (const [name, text] of files) await writeFile(join(draft, name), text, { mode: 0o600, flag: 'wx' });
    await rename(draft, dir);
    return true;
  } catch (error) {
    await removeLeftover(draft).catch(() => undefined);
    if (!IS_TAKEN.some((code) => isErrno(error, code))) throw error;
  }
  await makePrivateDir(dir);
  await fill(dir);
  let wroteLast = false;
  for (const [name, text] of files) wroteLast = await writeOnce(dir, name, text);
  return wroteLast;
}
