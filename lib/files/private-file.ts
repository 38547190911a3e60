import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Directories and files that hold secrets are for their owner alone. */
const PRIVATE_DIRECTORY_MODE = 0o700;
const PRIVATE_FILE_MODE = 0o600;

/** Content that is on the disk already, and takes its place with `keep`: what else is to change can be written in between. */
export interface PrivateDraft {
  keep: () => void;
  discard: () => void;
}

/** Writes a file of mode 0600 whole or not at all, over an older one. */
export function replacePrivateFile(path: string, content: string): void {
  draftPrivateFile(path, content).keep();
}

/** The first half of {@link replacePrivateFile}: what a full disk refuses, it refuses here. */
export function draftPrivateFile(path: string, content: string): PrivateDraft {
  const draft = writeDraft(path, content);
  const discard = (): void => rmSync(draft, { force: true });
  const keep = (): void => {
    try {
      renameSync(draft, path);
    } catch (error) {
      discard();
      throw error;
    }
  };
  return { keep, discard };
}

/** Like {@link replacePrivateFile}, but false, with nothing changed, when the file already exists. */
export function createPrivateFile(path: string, content: string): boolean {
  const draft = writeDraft(path, content);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function writeDraft(path: string, content: string): string {
  mkdirSync(dirname(path), { recursive: true, mode: PRIVATE_DIRECTORY_MODE });
  const draft = `${path}.${randomBytes(6).toString('hex')}.draft`;
  const file = openSync(draft, 'wx', PRIVATE_FILE_MODE);
  try {
    // `writeSync` writes as much as a disk that fills up takes, and calls that a success.
    writeFileSync(file, content);
    fsyncSync(file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  return draft;
}
