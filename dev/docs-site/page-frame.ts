/** What is around each page: navigation, the headings of the page, and a search over all headings. No other site is asked. */
import { posix } from 'node:path';
import type { Page, Section } from './read-pages.ts';
import { htmlName, type Heading, type RenderedPage } from './render-page.ts';

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** The whole HTML of a page. */
export function framedPage(page: Page, rendered: RenderedPage, sections: readonly Section[]): string {
  const up = page.file.includes('/') ? '../' : '';
  const order = sections.flatMap(({ pages }) => pages);
  const at = order.findIndex(({ file }) => file === page.file);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(page.title)} · Ephemera</title>
<link rel="stylesheet" href="${up}site.css">
<script defer src="${up}search-index.js"></script>
<script defer src="${up}search.js"></script>
</head>
<body data-up="${up}">
<a class="skip" href="#content">Skip to the text</a>
<header>
<a class="name" href="${up}index.html">Ephemera</a>
<div class="search"><input type="search" id="search" placeholder="Search (press /)" aria-label="Search the documentation"
autocomplete="off"><ul id="found" hidden></ul></div>
</header>
<div class="columns">
<nav aria-label="Pages"><details open><summary>Pages</summary>
${sections.map((section) => sectionList(section, page, up)).join('\n')}
</details></nav>
<main id="content">
${rendered.html}
<footer>${neighbour('Before', order[at - 1], up)}${neighbour('Next', order[at + 1], up)}</footer>
</main>
${onThisPage(rendered.headings)}
</div>
</body>
</html>
`;
}

function sectionList({ title, pages }: Section, current: Page, up: string): string {
  const items = pages.map((page) => {
    const here = page.file === current.file ? ' aria-current="page"' : '';
    return `<li><a href="${up}${htmlName(page.file)}"${here}>${escaped(page.title)}</a></li>`;
  });
  const isOpen = pages.length < 20 || pages.includes(current);
  return `<details${isOpen ? ' open' : ''}><summary>${escaped(title)}</summary><ul>\n${items.join('\n')}\n</ul></details>`;
}

function onThisPage(headings: readonly Heading[]): string {
  const shown = headings.filter(({ level }) => level === 2 || level === 3);
  if (shown.length < 2) return '';
  const items = shown.map(
    ({ level, id, text }) => `<li class="level-${level}"><a href="#${id}">${escaped(text)}</a></li>`,
  );
  return `<aside aria-label="On this page"><ul>\n${items.join('\n')}\n</ul></aside>`;
}

function neighbour(word: string, page: Page | undefined, up: string): string {
  if (page === undefined) return '<span></span>';
  return `<a href="${up}${htmlName(page.file)}">${word}: ${escaped(page.title)}</a>`;
}

/** A script that gives the search its headings; a script, so that it works from a folder too. */
export function searchIndex(pages: readonly { page: Page; headings: readonly Heading[] }[]): string {
  const entries = pages.flatMap(({ page, headings }) =>
    headings.map(({ level, id, text }) => ({
      text,
      page: page.title,
      href: posix.join(htmlName(page.file)) + (level === 1 ? '' : `#${id}`),
    })),
  );
  return `window.SEARCH_INDEX = ${JSON.stringify(entries).replaceAll('<', '\\u003c')};\n`;
}
