import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSite } from '../../../dev/docs-site.ts';
import { readSections, type Section } from '../../../dev/docs-site/read-pages.ts';
import { renderPage } from '../../../dev/docs-site/render-page.ts';

const ROOT = resolve(import.meta.dirname, '..', '..', '..');
let folder: string;
let pages: string[];
let sections: Section[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eph-docs-'));
  pages = await writeSite(folder);
  sections = await readSections(join(ROOT, 'docs'));
});
afterAll(() => rm(folder, { recursive: true }));

const rendered = () => sections.flatMap((section) => section.pages).map((page) => ({ page, ...renderPage(page) }));

describe('the documentation', () => {
  it('links to files and headings that are there, from every page and from the README', async () => {
    const readme = { file: '../README.md', title: 'README', markdown: await readFile(join(ROOT, 'README.md'), 'utf8') };
    const all = [...rendered(), { page: readme, ...renderPage(readme) }];
    const anchors = new Map(
      all.map(({ page, headings, html }) => [posix.join('docs', page.file), anchorsOf(headings, html)]),
    );
    const isThere = (link: string): boolean => {
      const [path = '', anchor] = link.split('#');
      return existsSync(join(ROOT, path)) && (anchor === undefined || anchors.get(path)?.has(anchor) === true);
    };
    const dead = all.flatMap(({ page, links }) =>
      links.filter((link) => !isThere(link)).map((link) => `${page.file} -> ${link}`),
    );
    expect(dead).toEqual([]);
  });

  it('is a site whose pages lead to files of the site', async () => {
    const dead: string[] = [];
    for (const name of pages) {
      const html = await readFile(join(folder, name), 'utf8');
      for (const [, target = ''] of html.matchAll(/(?:href|src)="([^"#]+)(?:#[^"]*)?"/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        if (!existsSync(join(folder, name, '..', target))) dead.push(`${name} -> ${target}`);
      }
    }
    expect(dead).toEqual([]);
  });

  it('asks no other site for anything', async () => {
    for (const name of [...pages, 'site.css', 'search.js']) {
      const text = await readFile(join(folder, name), 'utf8');
      expect([name, ...text.matchAll(/(?:src|rel="stylesheet" href)="https?:[^"]*"|@import|url\(/g)]).toEqual([name]);
    }
  });

  it('finds each heading by the search', async () => {
    const index = await readFile(join(folder, 'search-index.js'), 'utf8');
    const entries = JSON.parse(index.slice('window.SEARCH_INDEX = '.length, -2)) as { text: string; href: string }[];
    expect(entries.length).toBe(rendered().flatMap(({ headings }) => headings).length);
    expect(entries).toContainEqual(
      expect.objectContaining({ text: 'Idle, step by step', href: 'architecture.html#idle-step-by-step' }),
    );
  });
});

/** Of headings, and those that tables name with `<a id>`. */
function anchorsOf(headings: readonly { id: string }[], html: string): Set<string> {
  return new Set([...headings.map(({ id }) => id), ...[...html.matchAll(/<a id="([^"]+)"/g)].map(([, id = '']) => id)]);
}
