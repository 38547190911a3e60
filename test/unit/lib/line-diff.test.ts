import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineDiff } from '../../../lib/text/line-diff.ts';

const MARK = { same: ' ', removed: '-', added: '+' } as const;
const shown = (before: string, after: string): string[] =>
  lineDiff(before, after).map(({ kind, text }) => `${MARK[kind]}${text}`);

describe('the difference of two texts', () => {
  it('shows what both have once, and what was there before what takes its place', () => {
    expect(shown('a\nb\nc\n', 'a\nx\nc\nd\n')).toEqual([' a', '-b', '+x', ' c', '+d']);
    expect(shown('', 'a\n')).toEqual(['+a']);
    expect(shown('a\n', '')).toEqual(['-a']);
    expect(shown('', '')).toEqual([]);
  });

  it('has both texts in it, whatever they are', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 }).map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = lineDiff(before, after);
        const of = (not: string): string =>
          lines.flatMap(({ kind, text: line }) => (kind === not ? [] : [line])).join('\n');
        expect(of('added')).toBe(before.replace(/\n$/, ''));
        expect(of('removed')).toBe(after.replace(/\n$/, ''));
      }),
    );
  });
});
