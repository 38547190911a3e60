import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiKeyStore } from '../../../security/keys/api-keys.ts';
import { ensureFirstKey } from '../../../security/keys/first-key.ts';
import { addKey, revokeKey, rotateKey } from '../../../security/keys/key-changes.ts';

let stateDir: string;
let time = 0;
let complaints: unknown[] = [];
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'ephemera-keys-'));
  time = Date.now();
  complaints = [];
});
afterEach(() => rmSync(stateDir, { recursive: true }));

const ensure = (presetKey: string | null = null) => ensureFirstKey({ stateDir, api: { presetKey } });
const store = () => new ApiKeyStore({ stateDir }, { now: () => time, onDamage: (error) => complaints.push(error) });
const keysPath = () => join(stateDir, 'keys.json');
const keysText = () => readFileSync(keysPath(), 'utf8');
const made = async () => (await ensure()).newKey ?? '';

describe('the first API key', () => {
  it('is made once and told once', async () => {
    const { newKey, keyFile } = await ensure();
    expect(newKey).toMatch(/^eph_[0-9a-f]{8}_[A-Za-z0-9_-]{32}$/);
    expect(await ensure()).toEqual({ newKey: null, keyFile });
    expect(readFileSync(keyFile, 'utf8').trim()).toBe(newKey);
    const id = newKey!.split('_')[1];
    expect(store().verify(newKey)).toEqual({ id, project: 'default', role: 'admin' });
  });

  it('is one key when many start at once', async () => {
    const starts = await Promise.all(Array.from({ length: 8 }, () => ensure()));
    expect(starts.filter(({ newKey }) => newKey !== null)).toHaveLength(1);
  });

  it('is kept as a hash; the plain text is for its owner alone', async () => {
    const { newKey, keyFile } = await ensure();
    expect(keysText()).not.toContain(newKey!.slice('eph_12345678_'.length));
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect(statSync(keysPath()).mode & 0o777).toBe(0o600);
  });

  it('can be preset, and is replaced when another one is preset', async () => {
    await ensure('my-own-key-0123456789');
    expect(store().verify('my-own-key-0123456789')).toMatchObject({ id: 'preset', role: 'admin' });
    expect(keysText()).not.toContain('my-own-key');
    await ensure('another-key-0123456789');
    expect(store().verify('my-own-key-0123456789')).toBeUndefined();
    expect(store().verify('another-key-0123456789')).toBeDefined();
  });

  it('stays revoked when it is preset again', async () => {
    await ensure('my-own-key-0123456789');
    await revokeKey(stateDir, 'preset', time);
    await ensure('my-own-key-0123456789');
    expect(store().verify('my-own-key-0123456789')).toBeUndefined();
  });

  it('is refused with a clear message when the keys file is damaged', async () => {
    await ensure();
    writeFileSync(keysPath(), '{"keys": [{}]}');
    await expect(ensure()).rejects.toThrow(/keys\.json is damaged/);
    expect(() => store()).toThrow(/keys\.json is damaged/);
  });
});

describe('a running replica', () => {
  it('refuses everything that is no key', async () => {
    const newKey = await made();
    const keys = store();
    for (const wrong of ['', `${newKey}x`, newKey.slice(1), undefined, 7, {}, 'x'.repeat(100_000)]) {
      expect(keys.verify(wrong)).toBeUndefined();
    }
  });

  it('knows a new key, and knows no more a revoked one, within a second', async () => {
    await made();
    const keys = store();
    const { key, stored } = await addKey(stateDir, { project: 'games', role: 'operator', label: 'lobby' }, time);
    expect(keys.verify(key)).toBeUndefined();
    time += 1000;
    expect(keys.verify(key)).toEqual({ id: stored.id, project: 'games', role: 'operator' });
    await revokeKey(stateDir, stored.id, time);
    time += 1000;
    expect(keys.verify(key)).toBeUndefined();
    expect(keys.ended(key)).toMatchObject({ why: 'revoked', holder: { id: stored.id } });
  });

  it('knows a revocation also when the clock was set back by an hour', async () => {
    const key = await made();
    const keys = store();
    await revokeKey(stateDir, key.split('_')[1] ?? '', time - 3_600_000);
    time -= 3_600_000;
    expect(keys.verify(key)).toBeUndefined();
  });

  it('refuses a key from the moment it expires', async () => {
    const { key } = await addKey(stateDir, { project: 'games', role: 'viewer', expiresAt: time + 5000 }, time);
    const keys = store();
    time += 4999;
    expect(keys.verify(key)).toMatchObject({ project: 'games' });
    time += 1;
    expect(keys.verify(key)).toBeUndefined();
    expect(keys.ended(key)?.why).toBe('expired');
  });

  it('keeps the keys read last while the file is cut off anywhere, damaged or gone, and complains', async () => {
    const key = await made();
    const whole = keysText();
    const keys = store();
    const damaged = ['', 'damaged', '{"keys": [{}]}', '{}', `${whole}}`];
    for (let length = 0; length < whole.trimEnd().length; length += 7) damaged.push(whole.slice(0, length));
    for (const text of damaged) {
      writeFileSync(keysPath(), text);
      time += 1000;
      expect([text, keys.verify(key) !== undefined, keys.verify('eph_1_2')]).toEqual([text, true, undefined]);
    }
    rmSync(keysPath());
    time += 60_000;
    expect(keys.verify(key)).toBeDefined();
    expect(complaints.length).toBeGreaterThan(1);
    expect(String(complaints.at(-1))).toContain('keys.json is gone');
    writeFileSync(keysPath(), '{"keys": []}');
    time += 1000;
    expect(keys.verify(key)).toBeUndefined();
  });

  it('refuses all keys while there never was a file', () => {
    expect(store().verify('eph_1_2')).toBeUndefined();
  });
});

describe('changes of the keys', () => {
  it('lose no key when many are made at once', async () => {
    await ensure('my-own-key-0123456789');
    const order = { project: 'games', role: 'viewer' } as const;
    const all = await Promise.all(Array.from({ length: 20 }, () => addKey(stateDir, order, time)));
    const keys = store();
    for (const { key } of all) expect(keys.verify(key)).toBeDefined();
    expect(statSync(keysPath()).mode & 0o777).toBe(0o600);
  });

  it('rotate a key at once, or after an overlap in which both are good', async () => {
    const first = await addKey(stateDir, { project: 'games', role: 'operator', label: 'lobby' }, time);
    const second = await rotateKey(stateDir, first.stored.id, { overlapSeconds: 60 }, time);
    expect(second.stored).toMatchObject({ project: 'games', role: 'operator', label: 'lobby' });
    const keys = store();
    expect([keys.verify(first.key), keys.verify(second.key)].every((holder) => holder !== undefined)).toBe(true);
    time += 60_000;
    expect(keys.verify(first.key)).toBeUndefined();
    const third = await rotateKey(stateDir, second.stored.id, { overlapSeconds: 0 }, time);
    time += 1000;
    expect(keys.verify(second.key)).toBeUndefined();
    expect(keys.verify(third.key)).toBeDefined();
  });

  it('keep the plain text for commands on this host in step with a rotation', async () => {
    const { newKey, keyFile } = await ensure();
    const { key } = await rotateKey(stateDir, newKey!.split('_')[1] ?? '', { overlapSeconds: 0 }, time);
    expect(readFileSync(keyFile, 'utf8').trim()).toBe(key);
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
  });

  it('of a key that is not there, or has ended, are refused', async () => {
    await ensure('my-own-key-0123456789');
    await expect(revokeKey(stateDir, 'nobody', time)).rejects.toThrow('there is no key nobody');
    await revokeKey(stateDir, 'preset', time);
    await expect(rotateKey(stateDir, 'preset', { overlapSeconds: 0 }, time)).rejects.toThrow('revoked already');
  });

  it('of a damaged file are refused and change nothing', async () => {
    await ensure('my-own-key-0123456789');
    writeFileSync(keysPath(), '{"keys": [');
    await expect(addKey(stateDir, { project: 'games', role: 'viewer' }, time)).rejects.toThrow('is damaged');
    expect(keysText()).toBe('{"keys": [');
  });

  it('take no project that could reach into another one', async () => {
    for (const project of ['a/b', '../default', '', 'A', 'a b', '*']) {
      await expect(addKey(stateDir, { project, role: 'admin' }, time)).rejects.toThrow();
    }
  });
});
