import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiKeyStore, ensureFirstKey } from '../../config/api-keys.ts';

let stateDir: string;
let time = 0;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'ephemera-keys-'));
});
afterEach(() => rmSync(stateDir, { recursive: true }));

const ensure = (presetKey: string | null = null) => ensureFirstKey({ stateDir, api: { presetKey } });
const store = () => new ApiKeyStore({ stateDir }, () => time);
const keysText = () => readFileSync(join(stateDir, 'keys.json'), 'utf8');

describe('the first API key', () => {
  it('is made once and told once', () => {
    const { newKey, keyFile } = ensure();
    expect(newKey).toMatch(/^eph_[0-9a-f]{8}_[A-Za-z0-9_-]{32}$/);
    expect(ensure()).toEqual({ newKey: null, keyFile });
    expect(readFileSync(keyFile, 'utf8').trim()).toBe(newKey);
    const id = newKey!.split('_')[1];
    expect(store().verify(newKey)).toEqual({ id, project: 'default', role: 'admin' });
  });

  it('is kept as a hash; the plain text is for its owner alone', () => {
    const { newKey, keyFile } = ensure();
    expect(keysText()).not.toContain(newKey!.slice('eph_12345678_'.length));
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect(statSync(join(stateDir, 'keys.json')).mode & 0o777).toBe(0o600);
  });

  it('can be preset, and is replaced when another one is preset', () => {
    ensure('my-own-key-0123456789');
    expect(store().verify('my-own-key-0123456789')).toMatchObject({ id: 'preset', role: 'admin' });
    expect(keysText()).not.toContain('my-own-key');
    ensure('another-key-0123456789');
    expect(store().verify('my-own-key-0123456789')).toBeUndefined();
    expect(store().verify('another-key-0123456789')).toBeDefined();
  });

  it('is refused with a clear message when the keys file is damaged', () => {
    ensure();
    writeFileSync(join(stateDir, 'keys.json'), '{"keys": [{}]}');
    expect(() => ensure()).toThrow(/keys\.json is damaged/);
    expect(() => store()).toThrow(/keys\.json is damaged/);
  });
});

describe('ApiKeyStore', () => {
  it('refuses everything that is no key', () => {
    const { newKey } = ensure();
    const keys = store();
    for (const wrong of ['', `${newKey!}x`, newKey!.slice(1), undefined, 7, {}, 'x'.repeat(100_000)]) {
      expect(keys.verify(wrong)).toBeUndefined();
    }
  });

  it('knows a changed file within a second, and survives a damaged one', () => {
    const first = ensure().newKey;
    const keys = store();
    ensure('preset-key-0123456789ab');
    expect(keys.verify('preset-key-0123456789ab')).toBeUndefined();
    time += 1000;
    expect(keys.verify('preset-key-0123456789ab')).toBeDefined();
    writeFileSync(join(stateDir, 'keys.json'), 'damaged');
    time += 1000;
    expect(keys.verify(first)).toBeDefined();
  });

  it('refuses all keys while there is no file', () => {
    expect(store().verify('eph_1_2')).toBeUndefined();
  });
});
