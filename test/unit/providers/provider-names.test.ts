import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { SETTINGS } from '../../../config/settings.ts';
import { PROVIDERS } from '../../../providers/registry.ts';
import { proofWords } from '../../../providers/lookup.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const SOURCES = [
  ...['domain', 'workflows', 'providers', 'activities', 'lib', 'security', 'config', 'telemetry', 'worker', 'api'],
  ...['vm-server', 'commands', 'dev'],
];

/** Files that may name one, each with why. */
const ALLOWED: Readonly<Record<string, string>> = {
  'dev/chaos.ts': 'a storm is for the providers that one computer has, each with its own number of lives at a time',
  'dev/test-live.ts': 'tries a provider on a real account, with what that one takes where nothing is set',
};

/** Rooms that are made for one provider, or for what runs inside its machines. */
const ROOMS = new RegExp(`^(providers/(${PROVIDERS.map(({ name }) => name).join('|')})|vm-server/platform/[a-z0-9]+)/`);
/** A provider's proof may begin with its name. */
const names = [...new Set([...PROVIDERS.map(({ name }) => name), ...proofWords()])];
const quoted = `['"\`](${names.join('|')})\\\\?['"\`]`;
const variables = `EPHEMERA_(${names.join('|').toUpperCase()})_`;
const named = new RegExp(`${quoted}|${variables}`);

function filesIn(folder: string): string[] {
  const entries = readdirSync(path.join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(ts|mjs|cjs|js)$/.test(entry.name))
    .map(({ parentPath, name }) => path.relative(ROOT, path.join(parentPath, name)));
}

const lines = (file: string): string[] => readFileSync(path.join(ROOT, file), 'utf8').split('\n');

describe('the name of a provider', () => {
  it('is in its own folder alone', () => {
    const files = SOURCES.flatMap(filesIn).filter((file) => !ROOMS.test(file) && !(file in ALLOWED));
    expect(files.length).toBeGreaterThan(300);
    const found = files.flatMap((file) =>
      lines(file).flatMap((line, index) => (named.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  });

  it('is used by each file that may', () => {
    for (const file of Object.keys(ALLOWED))
      expect(
        lines(file).some((line) => named.test(line)),
        file,
      ).toBe(true);
  });

  it('is told from that of any other, and no setting of one is spelled like another', () => {
    for (const words of [PROVIDERS.map(({ name }) => name), proofWords()]) {
      expect(new Set(words).size).toBe(words.length);
    }
    for (const { name } of PROVIDERS) expect(name).toMatch(/^[a-z][a-z0-9]*$/);
    for (const spelling of ['key', 'env', 'flag'] as const) {
      expect(new Set(SETTINGS.map((one) => one[spelling])).size, spelling).toBe(SETTINGS.length);
    }
  });
});
