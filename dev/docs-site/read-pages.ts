/** The pages of docs/ in the order of docs/navigation.yaml, with the decisions behind them. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

export interface Page {
  /** Path in docs/: `hosts.md`, `decisions/0001-….md`. */
  file: string;
  /** Its first heading. */
  title: string;
  markdown: string;
}

export interface Section {
  title: string;
  pages: Page[];
}

const navigationSchema = z.array(z.strictObject({ title: z.string(), pages: z.array(z.string()).nonempty() }));

/** @throws Error naming pages that are listed and not there, there and not listed, listed twice, or without a heading. */
export async function readSections(docs: string): Promise<Section[]> {
  const listed = navigationSchema.parse(parse(await readFile(join(docs, 'navigation.yaml'), 'utf8')));
  const names = listed.flatMap(({ pages }) => pages);
  const there = (await readdir(docs)).filter((name) => name.endsWith('.md'));
  const mistakes = [
    ...names.filter((name) => !there.includes(name)).map((name) => `${name} is listed and not there`),
    ...there.filter((name) => !names.includes(name)).map((name) => `${name} is in no section`),
    ...names.filter((name, at) => names.indexOf(name) !== at).map((name) => `${name} is listed twice`),
  ];
  if (mistakes.length > 0) throw new Error(`docs/navigation.yaml: ${mistakes.join('; ')}`);
  const decisions = (await readdir(join(docs, 'decisions'))).filter((name) => name.endsWith('.md')).sort();
  const all = [...listed, { title: 'Decisions', pages: decisions.map((name) => `decisions/${name}`) }];
  return Promise.all(
    all.map(async ({ title, pages }) => ({
      title,
      pages: await Promise.all(pages.map((file) => readPage(docs, file))),
    })),
  );
}

async function readPage(docs: string, file: string): Promise<Page> {
  const markdown = await readFile(join(docs, file), 'utf8');
  const title = /^# (.+)$/m.exec(markdown)?.[1];
  if (title === undefined) throw new Error(`docs/${file} has no heading`);
  return { file, title: title.replaceAll('`', ''), markdown };
}
