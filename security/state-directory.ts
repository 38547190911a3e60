import { chmodSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SECRET_KEY_FILE } from './sealing/deployment-secret.ts';
import { FIRST_KEY_FILE } from './keys/first-key.ts';
import { HOST_FILE } from './hosts/host-membership.ts';
import { KEYS_FILE } from './keys/keys-file.ts';

const PRIVATE_MODE = 0o700;
const OF_OTHERS = 0o077;
const WRITABLE_BY_OTHERS = 0o022;
/** A directory that holds one of these was a state directory before. */
const SIGNS_OF_STATE: readonly string[] = [SECRET_KEY_FILE, KEYS_FILE, FIRST_KEY_FILE, HOST_FILE];

/** What this process and those that it starts write is for their user alone. Before any file is written. */
export function writeForOwnUserOnly(): void {
  process.umask(OF_OTHERS);
}

/**
 * Makes the state directory, or shuts one that was there for everybody but this user: it holds the secret, the keys and
 * what Temporal keeps.
 * @returns whether an open one was shut.
 * @throws Error that says what to do when it cannot be shut, or when it is not for Ephemera alone.
 */
export function makeStateDirectoryPrivate(stateDir: string): boolean {
  mkdirSync(stateDir, { recursive: true, mode: PRIVATE_MODE });
  const { mode } = statSync(stateDir);
  if ((mode & OF_OTHERS) === 0) return false;
  const shown = (mode & 0o7777).toString(8);
  // Root may shut any directory: one of the system's, named by mistake, would take the computer from everybody else.
  if (process.getuid?.() === 0 && !isForStateAlone(stateDir)) {
    throw new Error(
      `the state directory ${stateDir} can be entered by other users (mode ${shown}) and holds more than Ephemera's ` +
        'files: name one of its own (EPHEMERA_STATE_DIR), or shut it with chmod 700',
    );
  }
  const planted = (mode & WRITABLE_BY_OTHERS) === 0 ? undefined : entryOfAnotherUser(stateDir);
  if (planted !== undefined) {
    throw new Error(
      `other users could write to the state directory ${stateDir} (mode ${shown}), and ${planted} is of another user, who ` +
        'may know what is in it: remove what is not yours, or name a new directory (EPHEMERA_STATE_DIR)',
    );
  }
  try {
    chmodSync(stateDir, PRIVATE_MODE);
  } catch (cause) {
    throw new Error(
      `the state directory ${stateDir} can be entered by other users (mode ${shown}) and is not this user's to shut: ` +
        'name one that is (EPHEMERA_STATE_DIR), for example a new directory in it',
      { cause },
    );
  }
  return true;
}

/** The name of one that belongs neither to this user nor to root. */
function entryOfAnotherUser(stateDir: string): string | undefined {
  const trusted = [0, process.getuid?.() ?? 0, statSync(stateDir).uid];
  return readdirSync(stateDir).find((entry) => !trusted.includes(ownerOf(stateDir, entry) ?? 0));
}

function ownerOf(stateDir: string, entry: string): number | undefined {
  return lstatSync(join(stateDir, entry), { throwIfNoEntry: false })?.uid;
}

function isForStateAlone(stateDir: string): boolean {
  const entries = readdirSync(stateDir);
  if (entries.length === 0) return true;
  const { uid } = statSync(stateDir);
  const ownedAlike = (entry: string): boolean => {
    const owner = ownerOf(stateDir, entry);
    return owner === undefined || owner === 0 || owner === uid;
  };
  return entries.some((entry) => SIGNS_OF_STATE.includes(entry)) && entries.every(ownedAlike);
}
