import { unprocessable } from './api-error.ts';

const MOST = 200;
const USUAL = 20;

/** One page of a list with the links to its neighbours, which are left out where there are none. */
export function pageOf(key: string, all: readonly unknown[], url: URL): Record<string, unknown> {
  const size = numberOf(url, 'per_page', { usual: USUAL, most: MOST });
  const page = numberOf(url, 'page', { usual: 1, most: Number.MAX_SAFE_INTEGER });
  const last = Math.max(1, Math.ceil(all.length / size));
  const items = all.slice((page - 1) * size, page * size);
  return { [key]: items, links: linksOf(url, page, last), meta: { total: all.length } };
}

function linksOf(url: URL, page: number, last: number): object {
  const linkTo = (other: number): string => {
    const link = new URL(url);
    link.searchParams.set('page', `${other}`);
    return link.href;
  };
  const before = page > 1 ? { first: linkTo(1), prev: linkTo(Math.min(page - 1, last)) } : {};
  const after = page < last ? { next: linkTo(page + 1), last: linkTo(last) } : {};
  return page > 1 || page < last ? { pages: { ...before, ...after } } : {};
}

function numberOf(url: URL, name: string, { usual, most }: { usual: number; most: number }): number {
  const written = url.searchParams.get(name);
  if (written === null) return usual;
  const number = Number(written);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw unprocessable(`${name}: must be an integer between 1 and ${most}`);
}
