import { ApiError, invalidField } from './api-error.ts';

const MOST = 500;

export interface Page<Item> {
  items: Item[];
  nextPageToken?: string;
}

/** One page of a list; the token is the place after the last item, bound to the expression it was made for. */
export function pageOf<Item>(all: readonly Item[], query: URLSearchParams): Page<Item> {
  const asked = Number(query.get('maxResults') ?? MOST);
  if (!Number.isInteger(asked) || asked < 0 || asked > MOST) throw invalidField('maxResults', asked, '0 to 500.');
  const size = asked === 0 ? MOST : asked;
  const start = startOf(query);
  const items = all.slice(start, start + size);
  if (start + size >= all.length) return { items };
  const token = Buffer.from(`${start + size} ${query.get('filter') ?? ''}`).toString('base64url');
  return { items, nextPageToken: token };
}

function startOf(query: URLSearchParams): number {
  const token = query.get('pageToken');
  if (token === null || token === '') return 0;
  const [start = '', ...filter] = Buffer.from(token, 'base64url').toString().split(' ');
  if (!/^\d+$/.test(start) || filter.join(' ') !== (query.get('filter') ?? '')) {
    throw new ApiError(400, 'invalid', `Invalid value for field 'pageToken': '${token}'.`);
  }
  return Number(start);
}
