/** `npm run docs`: docs/ as a site of plain files, which any web server, or none, can show. */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { answerHelp, type Help } from '../commands/terminal/help.ts';
import { takeOwnFlags } from '../commands/terminal/own-flags.ts';
import { runScript, say, ScriptError } from '../commands/terminal/terminal.ts';
import { framedPage, searchIndex } from './docs-site/page-frame.ts';
import { readSections } from './docs-site/read-pages.ts';
import { htmlName, renderPage } from './docs-site/render-page.ts';

const ROOT = resolve(import.meta.dirname, '..');
const DOCS = join(ROOT, 'docs');
const PARTS = join(import.meta.dirname, 'docs-site');

const HELP: Help = {
  command: 'npm run docs',
  about: 'Makes a site of the documentation: plain files that need no server and ask no other site for anything.',
  usage: ['[--to DIR]'],
  flags: [['--to DIR', 'where it is put; what is there is replaced (default: dist/docs)']],
  examples: [['npm run docs', 'makes dist/docs and says where its first page is']],
};

/** Writes the site into a folder, whole. Resolves with the paths of its pages. */
export async function writeSite(to: string): Promise<string[]> {
  const sections = await readSections(DOCS);
  const pages = sections.flatMap(({ pages: ofSection }) => ofSection);
  const rendered = pages.map((page) => ({ page, ...renderPage(page) }));
  await rm(to, { recursive: true, force: true });
  await mkdir(join(to, 'decisions'), { recursive: true });
  for (const { page, ...one } of rendered) {
    await writeFile(join(to, htmlName(page.file)), framedPage(page, one, sections));
  }
  const [first] = pages;
  await writeFile(join(to, 'index.html'), await readFile(join(to, htmlName(first?.file ?? '')), 'utf8'));
  await writeFile(join(to, 'search-index.js'), searchIndex(rendered));
  await cp(join(PARTS, 'site.css'), join(to, 'site.css'));
  // No module: those do not run in pages that are opened from a folder.
  await cp(join(PARTS, 'search.mjs'), join(to, 'search.js'));
  // What pages lead to, and pictures: HTML in a page may show these without a link that is seen.
  const files = new Set(rendered.flatMap(({ links }) => links.map((link) => link.split('#')[0] ?? '')));
  for (const file of [...files, 'docs/pictures'].filter((name) => name.startsWith('docs/') && !name.endsWith('.md'))) {
    const target = join(to, file.slice('docs/'.length));
    await mkdir(dirname(target), { recursive: true });
    await cp(join(ROOT, file), target, { recursive: true });
  }
  return pages.map(({ file }) => htmlName(file));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runScript(async () => {
    answerHelp(process.argv, HELP);
    const { values, rest } = takeOwnFlags(process.argv.slice(2), { switches: [], values: ['to'] });
    if (rest.length > 0) throw new ScriptError(`unknown: ${rest.join(' ')}; npm run docs -- --help says what there is`);
    const to = resolve(values.get('to') ?? join(ROOT, 'dist', 'docs'));
    const pages = await writeSite(to);
    say(`${pages.length} pages; the first is ${pathToFileURL(join(to, 'index.html')).href}`);
  });
}
