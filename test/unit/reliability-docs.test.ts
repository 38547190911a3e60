import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

const document = oneLine(read('docs/reliability.md'));
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

function allOf(pattern: RegExp): string[] {
  return [...new Set([...document.matchAll(pattern)].map(([, found = '']) => found))];
}

/** Each `test/….ts` with the titles in quotes that follow it. */
const PROOFS = [...document.matchAll(/`(test\/[^`]+?\.ts)`((?:,? "[^"]+")*)/g)].map(([, file = '', quoted = '']) => ({
  file,
  titles: [...quoted.matchAll(/"([^"]+)"/g)].map(([, title = '']) => title),
}));

describe('docs/reliability.md', () => {
  it('names tests that exist, by titles that they have', () => {
    expect(PROOFS.length).toBeGreaterThan(30);
    expect(PROOFS.filter(({ titles }) => titles.length > 0).length).toBeGreaterThan(20);
    const wrong = PROOFS.flatMap(({ file, titles }) => {
      if (!existsSync(join(ROOT, file))) return [`${file} does not exist`];
      const text = oneLine(read(file)).replaceAll('’', "'");
      return titles.filter((title) => !text.includes(title)).map((title) => `${file} has no test "${title}"`);
    });
    expect(wrong).toEqual([]);
  });

  it('has something to show for each promise', () => {
    const promises = read('docs/reliability.md')
      .split(/^## /m)
      .filter((section) => /^\d/.test(section));
    expect(promises).toHaveLength(8);
    for (const promise of promises) {
      expect(promise).toMatch(/`test\/[^`]+\.test\.ts`/);
      expect(promise).toContain('**Where it ends**');
    }
  });

  it('names commands, benches and results that exist', () => {
    const commands = allOf(/npm run ([a-z:-]+)/g);
    expect(commands).toEqual(expect.arrayContaining(['chaos', 'soak', 'bench']));
    expect(commands.filter((name) => !(name in scripts))).toEqual([]);
    const benches = allOf(/npm run bench -- ([a-z-]+)/g);
    expect(benches.length).toBeGreaterThan(0);
    expect(benches.filter((name) => !existsSync(join(ROOT, 'bench', `${name}.ts`)))).toEqual([]);
    const results = allOf(/\((?:\.\.\/)(bench\/results\/[^)]+\.json)\)/g);
    expect(results.length).toBeGreaterThan(0);
    expect(results.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('links to documents that exist', () => {
    const links = allOf(/\]\(([^)#:]+)(?:#[^)]*)?\)/g);
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((path) => !existsSync(join(ROOT, 'docs', path)))).toEqual([]);
  });
});
