import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openApiText } from '../../../api/routes.ts';

const ROOT = resolve(import.meta.dirname, '..', '..', '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const markdownIn = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
    .map((name) => join(folder, name));

/** Lines that a reader types: of shell blocks, with continued lines in one. */
const typed = ['README.md', ...markdownIn('docs'), ...markdownIn('examples')].flatMap((file) =>
  [...read(file).matchAll(/^ *```sh\n([^]*?)```/gm)]
    .flatMap(([, block = '']) => block.replaceAll(/\\\n\s*/g, ' ').split('\n'))
    .map((line) => ({ file, line: line.replace(/\s#\s.*$/, '') })),
);
const found = (pattern: RegExp): { file: string; line: string; match: string[] }[] =>
  typed.flatMap(({ file, line }) => [...line.matchAll(pattern)].map(([, ...match]) => ({ file, line, match })));

describe('the commands that the documentation shows', () => {
  it('are scripts of package.json', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = found(/npm run (?:--silent |-s )?([\w:-]+)/g);
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter(({ match: [name = ''] }) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  it('ask for paths that the API has, by methods that these take', () => {
    const { paths } = JSON.parse(openApiText()) as { paths: Record<string, Record<string, unknown>> };
    const requests = typed
      .filter(({ line }) => /\bcurl\b/.test(line))
      .flatMap(({ file, line }) =>
        line
          .split(/(?=\bcurl\b)/)
          .filter((part) => part.startsWith('curl'))
          .map((part) => ({ file, method: methodOf(part), path: /(\/v1\/[^\s'"?|]*)/.exec(part)?.[1] })),
      )
      .filter(({ path }) => path !== undefined);
    expect(requests.length).toBeGreaterThan(8);
    const isKnown = ({ method, path = '' }: { method: string; path: string | undefined }): boolean =>
      Object.entries(paths).some(([known, methods]) => patternOf(known).test(path) && method in methods);
    expect(requests.filter((request) => !isKnown(request))).toEqual([]);
  });
});

function methodOf(curl: string): string {
  const named = /\s-[a-zA-Z]*X\s*(\w+)/.exec(curl)?.[1];
  return (named ?? (/\s(-d|--data)\s/.test(curl) ? 'POST' : 'GET')).toLowerCase();
}

const patternOf = (path: string): RegExp => new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`);
