/** What people do with keys: each change counts on every replica that reads this state directory within a second. */
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { FIRST_KEY_FILE } from './first-key.ts';
import {
  changeKeys,
  endOfKey,
  hashOfKey,
  idInKey,
  newKeyText,
  storedKey,
  type KeyOrder,
  type StoredKey,
} from './keys-file.ts';
import { draftPrivateFile, type PrivateDraft } from '../../lib/files/private-file.ts';

/** A key that was just made; the text is kept nowhere: show it once. */
export interface MadeKey {
  key: string;
  stored: StoredKey;
}

/** Why a change cannot be made, for people and for programs. */
export class KeyChangeError extends Error {
  override readonly name = 'KeyChangeError';
  readonly reason: 'unknown' | 'ended' | 'lastAdmin';

  constructor(reason: KeyChangeError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Makes a key. `now` in epoch ms. */
export function addKey(stateDir: string, order: KeyOrder, now: number): Promise<MadeKey> {
  return changeKeys(stateDir, (keys) => {
    const result = madeKey(keys, order, now);
    return { keys: [...keys, result.stored], result };
  });
}

/**
 * Ends a key now. `keepsAdmin`: not where no good key with the role admin would be left.
 * @throws KeyChangeError when there is no such key, it has ended already, or it is the last one of an admin.
 */
export function revokeKey(
  stateDir: string,
  id: string,
  now: number,
  { keepsAdmin = false }: { keepsAdmin?: boolean } = {},
): Promise<StoredKey> {
  return changeKeys(stateDir, (keys) => {
    const key = liveKey(keys, id, now);
    if (keepsAdmin && key.role === 'admin' && !keys.some((other) => other.id !== id && isGoodAdmin(other, now))) {
      throw new KeyChangeError('lastAdmin', `the key ${id} is the last good one with the role admin`);
    }
    const result = { ...key, revokedAt: new Date(now).toISOString() };
    return { keys: keys.map((key) => (key.id === id ? result : key)), result };
  });
}

/**
 * Makes a key for the same project, role and label, and ends the old one: now, or after `overlapSeconds` in which both
 * are good. Where the old one is kept in plain text for this host's commands, the new one takes its place.
 * @throws KeyChangeError when there is no such key, or it has ended already.
 */
export function rotateKey(
  stateDir: string,
  id: string,
  { overlapSeconds, expiresAt }: { overlapSeconds: number; expiresAt?: number },
  now: number,
): Promise<MadeKey> {
  return changeKeys(stateDir, (keys) => {
    const old = liveKey(keys, id, now);
    const { project, role, label } = old;
    const order = { project, role, ...(label === undefined ? {} : { label }) };
    const result = madeKey(keys, { ...order, ...(expiresAt === undefined ? {} : { expiresAt }) }, now);
    const alongside = firstKeyDraft(stateDir, old, result.key);
    const others = keys.map((key) => (key.id === id ? endingKey(old, now, overlapSeconds) : key));
    return { keys: [...others, result.stored], result, ...(alongside === undefined ? {} : { alongside }) };
  });
}

function endingKey(key: StoredKey, now: number, overlapSeconds: number): StoredKey {
  if (overlapSeconds === 0) return { ...key, revokedAt: new Date(now).toISOString() };
  const end = now + overlapSeconds * 1000;
  const expiresAt = key.expiresAt === undefined ? end : Math.min(end, Date.parse(key.expiresAt));
  return { ...key, expiresAt: new Date(expiresAt).toISOString() };
}

function madeKey(keys: readonly StoredKey[], order: KeyOrder, now: number): MadeKey {
  for (;;) {
    const key = newKeyText();
    const id = idInKey(key);
    if (id === undefined || keys.some((stored) => stored.id === id)) continue;
    return { key, stored: storedKey(id, key, order, now) };
  }
}

function isGoodAdmin(key: StoredKey, now: number): boolean {
  return key.role === 'admin' && endOfKey(key, now) === undefined;
}

function liveKey(keys: readonly StoredKey[], id: string, now: number): StoredKey {
  const found = keys.find((key) => key.id === id);
  if (found === undefined) {
    throw new KeyChangeError('unknown', `there is no key ${id}; \`npm run keys -- list\` shows them`);
  }
  const why = endOfKey(found, now);
  if (why !== undefined) throw new KeyChangeError('ended', `the key ${id} is ${why} already`);
  return found;
}

/** The new text of the key that is kept in plain text for this host's commands; undefined where that is another one. */
function firstKeyDraft(stateDir: string, old: StoredKey, key: string): PrivateDraft | undefined {
  const path = join(stateDir, FIRST_KEY_FILE);
  let kept: string;
  try {
    kept = readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
  return hashOfKey(kept).toString('hex') === old.sha256 ? draftPrivateFile(path, `${key}\n`) : undefined;
}
