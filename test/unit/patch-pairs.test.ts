/** Nothing else would notice a patch of which only one side was ever replayed: the other is found out on a live run. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { allPatches, PAIRED, sidesOf, UNPAIRED } from '../replay/patch-sides.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe('a patch', () => {
  it.each(PAIRED)('%s has a recorded history with it and one of before it, or says why not', (patch) => {
    const { with: withIt, before } = sidesOf(patch);
    for (const file of [withIt, before]) {
      expect(existsSync(`${root}test/replay/histories/${file}.json`), `${file}.json, for the patch ${patch}`).toBe(
        true,
      );
    }
  });

  it('that has no pair is one that is there, and has a reason', () => {
    expect(allPatches()).toEqual(expect.arrayContaining(Object.keys(UNPAIRED)));
    for (const reason of Object.values(UNPAIRED)) expect(reason).not.toBe('');
  });

  it('stands in workflows/patches.ts, under an id that no other has', () => {
    const asking = readdirSync(`${root}workflows`, { recursive: true, encoding: 'utf8' }).filter(
      (file) =>
        file.endsWith('.ts') && /\b(patched|deprecatePatch)\b/.test(readFileSync(`${root}workflows/${file}`, 'utf8')),
    );
    expect(asking).toEqual(['patches.ts']);
    const calls = readFileSync(`${root}workflows/patches.ts`, 'utf8').match(/\bpatched\(/g) ?? [];
    expect(allPatches()).toHaveLength(calls.length);
    expect(new Set(allPatches()).size).toBe(calls.length);
  });
});
