import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_LINE_BYTES } from '../../domain/agent-protocol.ts';
import { LineReader, LineTooLongError } from '../../worker/line-reader.ts';

describe('a line reader', () => {
  it('gives the same lines however the bytes are cut', () => {
    const text = fc.stringMatching(/^[^\n]{0,40}$/);
    fc.assert(
      fc.property(fc.array(text), fc.array(fc.nat(20)), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const reader = new LineReader();
        const found: string[] = [];
        let at = 0;
        for (const cut of cuts) {
          found.push(...reader.push(bytes.subarray(at, at + cut)));
          at = Math.min(bytes.length, at + cut);
        }
        found.push(...reader.push(bytes.subarray(at)));
        expect(found).toEqual(lines);
      }),
    );
  });

  it('takes a line of the longest length and refuses a longer one, finished or not', () => {
    const longest = 'x'.repeat(MAX_LINE_BYTES);
    expect(new LineReader().push(Buffer.from(`${longest}\n`))).toEqual([longest]);
    expect(() => new LineReader().push(Buffer.from(`${longest}x\n`))).toThrow(LineTooLongError);
    expect(() => new LineReader().push(Buffer.from(`${longest}x`))).toThrow(LineTooLongError);
  });
});
