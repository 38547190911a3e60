/** One page of the documentation as HTML: headings that can be linked to, and links that lead to the other pages. */
import { posix } from 'node:path';
import GithubSlugger from 'github-slugger';
import MarkdownIt from 'markdown-it';
import type { Page } from './read-pages.ts';

export interface Heading {
  level: number;
  id: string;
  text: string;
}

export interface RenderedPage {
  html: string;
  headings: Heading[];
  /** Where its links to other files lead, as paths in the repository with their anchors. */
  links: string[];
}

type Token = ReturnType<MarkdownIt['parse']>[number];

/** Where a page is in the site. */
export const htmlName = (file: string): string => file.replace(/\.md$/, '.html');

/**
 * Anchors are those that the pages have where the repository is browsed, so that one link is right in both places. What is no page
 * (code, Terraform) has no place in the site: its name stays, without a link.
 */
export function renderPage({ file, markdown }: Page): RenderedPage {
  const parser = new MarkdownIt({ html: true, linkify: false, typographer: false });
  const tokens = parser.parse(markdown, {});
  const slugger = new GithubSlugger();
  const headings: Heading[] = [];
  const links: string[] = [];
  for (const [at, token] of tokens.entries()) {
    if (token.type === 'heading_open') {
      const text = plainText(tokens[at + 1]);
      const id = slugger.slug(text);
      token.attrSet('id', id);
      headings.push({ level: Number(token.tag.slice(1)), id, text });
    }
    for (const child of token.children ?? []) followLink(child, file, links);
    if (token.children !== null) token.children = withoutDeadLinks(token.children);
  }
  return { html: parser.renderer.render(tokens, parser.options, {}), headings, links };
}

const plainText = (inline: Token | undefined): string =>
  (inline?.children ?? [])
    .map(({ type, content }) => (type === 'text' || type === 'code_inline' ? content : ''))
    .join('');

/** Turns a link to a page into one to its HTML, and notes where it leads. */
function followLink(token: Token, from: string, links: string[]): void {
  const name = token.type === 'image' ? 'src' : 'href';
  const target = token.attrGet(name);
  if (target === null || /^[a-z]+:/.test(target)) return;
  const [path = '', anchor] = target.split('#');
  const inRepository = path === '' ? `docs/${from}` : posix.join('docs', posix.dirname(from), path);
  links.push(anchor === undefined ? inRepository : `${inRepository}#${anchor}`);
  if (!inRepository.startsWith('docs/')) token.attrSet(name, '');
  else if (path !== '') token.attrSet(name, htmlName(path) + (anchor === undefined ? '' : `#${anchor}`));
}

function withoutDeadLinks(tokens: readonly Token[]): Token[] {
  let depth = 0;
  return tokens.filter((token) => {
    if (token.type === 'link_open' && token.attrGet('href') === '') {
      depth += 1;
      return false;
    }
    if (token.type === 'link_close' && depth > 0) {
      depth -= 1;
      return false;
    }
    return true;
  });
}
