import { timingSafeEqual } from 'node:crypto';
import { endOfKey, hashOfKey, keysFile, parseKeys, readKeysText, type Role, type StoredKey } from './keys-file.ts';
import type { Settings } from '../../config/settings.ts';

/** Who presents a valid key. */
export interface ApiKeyHolder {
  id: string;
  project: string;
  role: Role;
}

/** A valid key as what rests on it knows it. */
export interface KeyStanding {
  holder: ApiKeyHolder;
  /** Tells the text of this key from any other, and nothing about it. */
  fingerprint: string;
  /** Epoch ms; absent for a key without an end. */
  expiresAt?: number;
}

/** A key that was good once. */
export interface EndedKey {
  holder: ApiKeyHolder;
  why: 'revoked' | 'expired';
}

/** A change of the file counts on every replica after at most this long. */
const RECHECK_MS = 1000;
/** A damaged file is complained about again this often, as long as it stays damaged. */
const COMPLAIN_AGAIN_MS = 60_000;
const MAX_KEY_CHARACTERS = 512;

export interface ApiKeyStoreOptions {
  /** Epoch ms. */
  now?: () => number;
  /** Hears why a changed file is not taken over; the keys read last stay valid. */
  onDamage?: (error: unknown) => void;
}

/** Verifies presented keys against the keys file; a changed file counts within a second. */
export class ApiKeyStore {
  readonly #path: string;
  readonly #now: () => number;
  readonly #onDamage: (error: unknown) => void;
  #keys: { stored: StoredKey; hash: Buffer }[] = [];
  #text: string | undefined;
  #checkedAt: number;
  #complainedAt = -Infinity;

  /** @throws Error when the keys file is damaged. */
  constructor(
    settings: Pick<Settings, 'stateDir'>,
    { now = Date.now, onDamage = () => undefined }: ApiKeyStoreOptions = {},
  ) {
    this.#path = keysFile(settings.stateDir);
    this.#now = now;
    this.#onDamage = onDamage;
    this.#checkedAt = now();
    this.#load();
  }

  /** Whose key this is, or undefined. Never throws: while a changed file is damaged, the keys read last stay valid. */
  verify(presented: unknown): ApiKeyHolder | undefined {
    const stored = this.#find(presented);
    return stored === undefined || endOfKey(stored, this.#now()) !== undefined ? undefined : holderOf(stored);
  }

  /** The holder of the key of this id, while that is valid. */
  holder(id: string): ApiKeyHolder | undefined {
    this.#recheck();
    const stored = this.#keys.find((key) => key.stored.id === id)?.stored;
    return stored === undefined || endOfKey(stored, this.#now()) !== undefined ? undefined : holderOf(stored);
  }

  /** The key of this id as sessions rest on it, while that is valid. */
  standing(id: string): KeyStanding | undefined {
    this.#recheck();
    const stored = this.#keys.find((key) => key.stored.id === id)?.stored;
    if (stored === undefined || endOfKey(stored, this.#now()) !== undefined) return undefined;
    const { sha256, expiresAt } = stored;
    return {
      holder: holderOf(stored),
      fingerprint: hashOfKey(`fingerprint ${sha256}`).toString('base64url'),
      ...(expiresAt === undefined ? {} : { expiresAt: Date.parse(expiresAt) }),
    };
  }

  /** Whose key this was, and why it is refused now; undefined for a valid key and for what never was one. */
  ended(presented: unknown): EndedKey | undefined {
    const stored = this.#find(presented);
    const why = stored && endOfKey(stored, this.#now());
    return stored === undefined || why === undefined ? undefined : { holder: holderOf(stored), why };
  }

  /** Has what was just changed here count at once. */
  refresh(): void {
    this.#checkedAt = -Infinity;
  }

  /** Compares with every key, in a time that does not tell which one was near. */
  #find(presented: unknown): StoredKey | undefined {
    this.#recheck();
    if (typeof presented !== 'string' || presented.length > MAX_KEY_CHARACTERS) return undefined;
    const hash = hashOfKey(presented);
    let found: StoredKey | undefined;
    for (const key of this.#keys) if (timingSafeEqual(key.hash, hash)) found = key.stored;
    return found;
  }

  #recheck(): void {
    const now = this.#now();
    // A clock that was set back must not postpone a revocation.
    if (Math.abs(now - this.#checkedAt) < RECHECK_MS) return;
    this.#checkedAt = now;
    try {
      this.#load();
      this.#complainedAt = -Infinity;
    } catch (error) {
      if (Math.abs(now - this.#complainedAt) < COMPLAIN_AGAIN_MS) return;
      this.#complainedAt = now;
      this.#onDamage(error);
    }
  }

  /** The whole text is compared, not its time: two changes within one tick of the file system's clock both count. */
  #load(): void {
    const text = readKeysText(this.#path);
    if (text === this.#text) return;
    // Some tools replace a file by removing it first: nobody is locked out in between.
    if (text === undefined) throw new Error(`${this.#path} is gone; restore it, or restart the API to do without`);
    this.#keys = parseKeys(text, this.#path).map((stored) => ({ stored, hash: Buffer.from(stored.sha256, 'hex') }));
    this.#text = text;
  }
}

function holderOf({ id, project, role }: StoredKey): ApiKeyHolder {
  return { id, project, role };
}
