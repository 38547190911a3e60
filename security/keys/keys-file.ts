/** The file of the API keys: what is kept of each key, how it is read, and how it is changed by one at a time. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { replacePrivateFile, type PrivateDraft } from '../../lib/files/private-file.ts';
import { holdLock } from '../../lib/processes/process-lock.ts';

export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Hashes of the keys; never a key. */
export const KEYS_FILE = 'keys.json';
/** A change of the file takes milliseconds. */
const LOCK_POLL_MS = 20;

/** A project is one segment of workflow ids, so its name may hold no slash; it is a DNS label like other names. */
export const projectSchema = z
  .string()
  .regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, '1 to 63 of a-z, 0-9 and "-", a letter first, no "-" at the end');

export const labelSchema = z
  .string()
  .regex(/^[\x20-\x7e]{1,80}$/, 'at most 80 printable ASCII characters')
  .regex(/\S/, 'must not be blank');

const storedKeySchema = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9-]{1,40}$/),
  project: projectSchema,
  role: z.enum(ROLES),
  label: labelSchema.optional(),
  /** The end of the key, by which people tell it from others. */
  lastFour: z.string().max(4).optional(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  createdAt: z.iso.datetime(),
  /** From then on the key is refused. */
  expiresAt: z.iso.datetime().optional(),
  /** Kept, so that a list and the audit log can name a key that is used after its end. */
  revokedAt: z.iso.datetime().optional(),
});

const keysSchema = z.strictObject({
  keys: z.array(storedKeySchema).refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length, {
    error: 'two keys have one id',
  }),
});

/** What is kept of a key. */
export type StoredKey = z.output<typeof storedKeySchema>;

/** What a new key is made for. Times in epoch ms. */
export interface KeyOrder extends Pick<StoredKey, 'project' | 'role' | 'label'> {
  expiresAt?: number;
}

export function keysFile(stateDir: string): string {
  return join(stateDir, KEYS_FILE);
}

/** The text of the file, or undefined when there is none. @throws the error of the system when it cannot be read. */
export function readKeysText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @throws Error that says what to do when the text is not that of a whole keys file. */
export function parseKeys(text: string, path: string): StoredKey[] {
  try {
    return keysSchema.parse(JSON.parse(text)).keys;
  } catch (error) {
    throw new Error(`${path} is damaged; restore it from a backup, or delete it: the next start makes it anew`, {
      cause: error,
    });
  }
}

/** The keys, or undefined when there is no file. @throws Error when the file is damaged. */
export function readKeys(path: string): StoredKey[] | undefined {
  const text = readKeysText(path);
  return text === undefined ? undefined : parseKeys(text, path);
}

/** What becomes of the keys. */
export interface KeysChange<Result> {
  keys: readonly StoredKey[];
  result: Result;
  /** A file that takes its place once the keys are kept, and only then. */
  alongside?: PrivateDraft;
}

/**
 * Replaces the file by what `change` makes of the keys, whole or not at all, while nobody else changes it.
 * @throws Error when the file is damaged, or what `change` throws; then nothing is changed.
 */
export async function changeKeys<Result>(
  stateDir: string,
  change: (keys: readonly StoredKey[]) => KeysChange<Result>,
): Promise<Result> {
  const path = keysFile(stateDir);
  const unlock = await holdLock(`${path}.lock`, { pollMs: LOCK_POLL_MS });
  try {
    const known = readKeys(path) ?? [];
    const { keys, result, alongside } = change(known);
    try {
      if (keys !== known) replacePrivateFile(path, `${JSON.stringify(keysSchema.parse({ keys }), null, 2)}\n`);
    } catch (error) {
      alongside?.discard();
      throw error;
    }
    alongside?.keep();
    return result;
  } finally {
    await unlock();
  }
}

/** `eph_<id>_<random>`: the id tells keys apart in lists and logs without telling the key. */
export function newKeyText(): string {
  return `eph_${randomBytes(4).toString('hex')}_${randomBytes(24).toString('base64url')}`;
}

/** The id in a key that was made here, or undefined for one that people made up. */
export function idInKey(key: string): string | undefined {
  return /^eph_([0-9a-f]+)_/.exec(key)?.[1];
}

/** What is kept of a key. `now` in epoch ms. */
export function storedKey(id: string, key: string, { expiresAt, label, ...order }: KeyOrder, now: number): StoredKey {
  return {
    id,
    ...order,
    ...(label === undefined ? {} : { label }),
    lastFour: key.slice(-4),
    sha256: hashOfKey(key).toString('hex'),
    createdAt: new Date(now).toISOString(),
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
  };
}

export function hashOfKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** Why a key is refused at this time (epoch ms), or undefined while it is good. */
export function endOfKey({ revokedAt, expiresAt }: StoredKey, now: number): 'revoked' | 'expired' | undefined {
  if (revokedAt !== undefined && Date.parse(revokedAt) <= now) return 'revoked';
  return expiresAt !== undefined && Date.parse(expiresAt) <= now ? 'expired' : undefined;
}
