/** The first key of a deployment: preset, or made at the first start and kept in plain text for this host's commands. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  changeKeys,
  hashOfKey,
  idInKey,
  keysFile,
  newKeyText,
  readKeys,
  storedKey,
  type StoredKey,
} from './keys-file.ts';
import { createPrivateFile, replacePrivateFile } from '../../lib/files/private-file.ts';
import type { Settings } from '../../config/settings.ts';

/** The first key in plain text, mode 0600, for commands run on this host. */
export const FIRST_KEY_FILE = 'api-key';

const FIRST_KEY = { project: 'default', role: 'admin' } as const;
const PRESET_ID = 'preset';

/** What `ensureFirstKey` found or did. */
export interface FirstKey {
  /** Where the plain text is kept. */
  keyFile: string;
  /** The key, only when it was made just now: print it once. */
  newKey: string | null;
}

/**
 * Makes sure that the deployment has a key: EPHEMERA_API_KEY when set, else a new one on the first start. A preset key
 * that was revoked stays revoked.
 * @throws Error when the keys file is damaged.
 */
export async function ensureFirstKey(
  settings: Pick<Settings, 'stateDir'> & { api: { presetKey: string | null } },
): Promise<FirstKey> {
  const { stateDir } = settings;
  const keyFile = join(stateDir, FIRST_KEY_FILE);
  const preset = settings.api.presetKey;
  if (preset !== null) {
    await presetKey(stateDir, keyFile, preset);
    return { keyFile, newKey: null };
  }
  if (readKeys(keysFile(stateDir)) !== undefined) return { keyFile, newKey: null };
  const newKey = await changeKeys(stateDir, (keys) => {
    if (keys.length > 0) return { keys, result: null };
    // The plain text first: a start that ends in between is followed by one that hashes the same key.
    createPrivateFile(keyFile, `${newKeyText()}\n`);
    const key = readFileSync(keyFile, 'utf8').trim();
    return { keys: [storedKey(idInKey(key) ?? 'first', key, FIRST_KEY, Date.now())], result: key };
  });
  return { keyFile, newKey };
}

async function presetKey(stateDir: string, keyFile: string, key: string): Promise<void> {
  const sha256 = hashOfKey(key).toString('hex');
  const isPreset = (stored: StoredKey): boolean => stored.id === PRESET_ID && stored.sha256 === sha256;
  let stored = readKeys(keysFile(stateDir))?.find(isPreset);
  stored ??= await changeKeys(stateDir, (keys) => {
    const known = keys.find(isPreset);
    if (known !== undefined) return { keys, result: known };
    const added = storedKey(PRESET_ID, key, FIRST_KEY, Date.now());
    return { keys: [...keys.filter(({ id }) => id !== PRESET_ID), added], result: added };
  });
  if (stored.revokedAt === undefined) replacePrivateFile(keyFile, `${key}\n`);
}
