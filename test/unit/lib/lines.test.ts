import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_ASSIGNMENT_BYTES } from '../../../domain/agent/assignment.ts';
import { MAX_LINE_BYTES } from '../../../domain/agent/protocol.ts';
import { LineReader, LineTooLongError } from '../../../lib/text/lines.ts';

describe('a line reader', () => {
  it('gives the same lines however the bytes are cut', () => {
    const text = fc.stringMatching(/^[^\n]{0,40}$/);
    fc.assert(
      fc.property(fc.array(text), fc.array(fc.nat(20)), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const reader = new LineReader(MAX_LINE_BYTES);
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

  it('puts characters together whose bytes come one by one, and keeps what is not complete', () => {
    const reader = new LineReader(MAX_LINE_BYTES);
    const bytes = Buffer.from('{"a":"ä"}\n{"b":2}\nrest');
    const lines = [...bytes].flatMap((byte) => reader.push(Buffer.from([byte])));
    expect(lines).toEqual(['{"a":"ä"}', '{"b":2}']);
    expect(reader.push(Buffer.from('\n'))).toEqual(['rest']);
  });

  it.each([
    ['of an agent', MAX_LINE_BYTES],
    ['of a host, which holds an assignment', MAX_ASSIGNMENT_BYTES],
  ])('takes a line %s of the longest length and refuses a longer one, finished or not', (_whose, maxBytes) => {
    const longest = 'x'.repeat(maxBytes);
    expect(new LineReader(maxBytes).push(Buffer.from(`${longest}\n`))).toEqual([longest]);
    expect(() => new LineReader(maxBytes).push(Buffer.from(`${longest}x\n`))).toThrow(LineTooLongError);
    expect(() => new LineReader(maxBytes).push(Buffer.from(`${longest}x`))).toThrow(LineTooLongError);
  });
});
