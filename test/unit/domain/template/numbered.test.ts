import { expect, it } from 'vitest';
import { numberedByNow } from '../../../../domain/template/numbered.ts';

const AT = Date.UTC(2026, 0, 1);

it.each([
  ['one of now', AT, AT],
  ['one that came late', AT - 1, AT - 1],
  ['one of a moment from now', AT + 1, AT],
  ['one of no time at all', Number.MAX_SAFE_INTEGER, AT],
])('%s counts as what it is, and as one of now at most', (_, revision, kept) => {
  expect(numberedByNow({ below: 2, revision }, AT)).toEqual({ below: 2, revision: kept });
});

it('an order without a number stays without', () => {
  const order: { below: number; revision?: number } = { below: 2 };
  expect(numberedByNow(order, AT)).toBe(order);
});
