import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createPrivateFile, replacePrivateFile } from './private-file.ts';
import type { Settings } from './settings.ts';

export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Who presents a valid key. */
export interface ApiKeyHolder {
  id: string;
  project: string;
  role: Role;
}

/** Hashes of the keys; never a key. */
export const KEYS_FILE = 'keys.json';
/** The first key in plain text, mode 0600, for commands run on this host. */
export const FIRST_KEY_FILE = 'api-key';

const RECHECK_MS = 1000;
const MAX_KEY_CHARACTERS = 512;
const FIRST_KEY_PROJECT = 'default';

const keysSchema = z.strictObject({
  keys: z.array(
    z.strictObject({
      id: z.string(),
      project: z.string(),
      role: z.enum(ROLES),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      createdAt: z.iso.datetime(),
    }),
  ),
});
type StoredKey = z.output<typeof keysSchema>['keys'][number];

/** What `ensureFirstKey` found or did. */
export interface FirstKey {
  /** Where the plain text is kept. */
  keyFile: string;
  /** The key, only when it was made just now: print it once. */
  newKey: string | null;
}

/**
 * Makes sure that the deployment has a key: EPHEMERA_API_KEY when set, else a new one on the first start.
 * @throws Error when the keys file is damaged.
 */
export function ensureFirstKey(settings: Pick<Settings, 'stateDir'> & { api: { presetKey: string | null } }): FirstKey {
  const keysFile = join(settings.stateDir, KEYS_FILE);
  const keyFile = join(settings.stateDir, FIRST_KEY_FILE);
  const preset = settings.api.presetKey;
  if (preset !== null) {
    presetKey(keysFile, keyFile, preset);
    return { keyFile, newKey: null };
  }
  if (readKeys(keysFile) !== undefined) return { keyFile, newKey: null };
  // The plain text first, made by whoever comes first: two starts at once then hash the same key.
  createPrivateFile(keyFile, `${newKey()}\n`);
  const key = readFileSync(keyFile, 'utf8').trim();
  const isNew = createPrivateFile(keysFile, keysText([storedKey(idOf(key), key)]));
  return { keyFile, newKey: isNew ? key : null };
}

/** `eph_<id>_<random>`: the id tells keys apart in lists and logs without telling the key. */
function newKey(): string {
  return `eph_${randomBytes(4).toString('hex')}_${randomBytes(24).toString('base64url')}`;
}

function idOf(key: string): string {
  return /^eph_([0-9a-f]+)_/.exec(key)?.[1] ?? 'first';
}

function presetKey(keysFile: string, keyFile: string, key: string): void {
  const known = readKeys(keysFile) ?? [];
  const sha256 = hashOf(key).toString('hex');
  replacePrivateFile(keyFile, `${key}\n`);
  if (known.some((stored) => stored.id === 'preset' && stored.sha256 === sha256)) return;
  const others = known.filter((stored) => stored.id !== 'preset');
  replacePrivateFile(keysFile, keysText([...others, storedKey('preset', key)]));
}

function storedKey(id: string, key: string): StoredKey {
  const createdAt = new Date().toISOString();
  return { id, project: FIRST_KEY_PROJECT, role: 'admin', sha256: hashOf(key).toString('hex'), createdAt };
}

function keysText(keys: StoredKey[]): string {
  return `${JSON.stringify({ keys }, null, 2)}\n`;
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function readKeys(path: string): StoredKey[] | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return keysSchema.parse(JSON.parse(text)).keys;
  } catch (error) {
    throw new Error(`${path} is damaged; restore it from a backup, or delete it: the next start makes it anew`, {
      cause: error,
    });
  }
}

/** Verifies presented keys against the keys file; a changed file counts within a second. */
export class ApiKeyStore {
  readonly #path: string;
  readonly #now: () => number;
  #keys: { holder: ApiKeyHolder; hash: Buffer }[] = [];
  #checkedAt = -Infinity;
  #version = '';

  /** @throws Error when the keys file is damaged. `now` in ms. */
  constructor(settings: Pick<Settings, 'stateDir'>, now: () => number = Date.now) {
    this.#path = join(settings.stateDir, KEYS_FILE);
    this.#now = now;
    this.#load();
  }

  /** Whose key this is, or undefined. Never throws: while a changed file is damaged, the keys read last stay valid. */
  verify(presented: unknown): ApiKeyHolder | undefined {
    this.#reloadWhenChanged();
    if (typeof presented !== 'string' || presented.length > MAX_KEY_CHARACTERS) return undefined;
    const hash = hashOf(presented);
    let found: ApiKeyHolder | undefined;
    for (const key of this.#keys) if (timingSafeEqual(key.hash, hash)) found = key.holder;
    return found;
  }

  #reloadWhenChanged(): void {
    if (this.#now() - this.#checkedAt < RECHECK_MS) return;
    try {
      this.#load();
    } catch {
      this.#version = '';
    }
  }

  #load(): void {
    this.#checkedAt = this.#now();
    const stat = statSync(this.#path, { bigint: true, throwIfNoEntry: false });
    const version = stat === undefined ? 'none' : `${stat.ino}.${stat.mtimeNs}.${stat.size}`;
    if (version === this.#version) return;
    this.#keys = (readKeys(this.#path) ?? []).map(({ id, project, role, sha256 }) => ({
      holder: { id, project, role },
      hash: Buffer.from(sha256, 'hex'),
    }));
    this.#version = version;
  }
}
