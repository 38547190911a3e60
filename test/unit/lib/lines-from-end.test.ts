import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linesFromEnd } from '../../../lib/files/lines-from-end.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ephemera-lines-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

async function linesOf(text: string, options: Parameters<typeof linesFromEnd>[2] = {}, end?: number) {
  const path = join(directory, 'lines');
  writeFileSync(path, text);
  const file = await open(path);
  try {
    const found: [string | undefined, number][] = [];
    for await (const { text: line, offset } of linesFromEnd(file, end ?? Buffer.byteLength(text), options)) {
      found.push([line, offset]);
    }
    return found;
  } finally {
    await file.close();
  }
}

describe('the lines of a file from its end', () => {
  it('come whole and with their offsets, however small the parts are in which it is read', async () => {
    const text = 'first\n\nthe third, ä\nlast\n';
    const expected = [
      ['last', 21],
      ['the third, ä', 7],
      ['', 6],
      ['first', 0],
    ];
    for (let chunkBytes = 1; chunkBytes <= text.length + 2; chunkBytes += 1) {
      expect([chunkBytes, await linesOf(text, { chunkBytes })]).toEqual([chunkBytes, expected]);
    }
  });

  it('leave out what has no end yet, and go on from where a line began', async () => {
    expect(await linesOf('a\nb\nhalf')).toEqual([
      ['b', 2],
      ['a', 0],
    ]);
    expect(await linesOf('a\nb\nc\n', {}, 4)).toEqual([
      ['b', 2],
      ['a', 0],
    ]);
    expect(await linesOf('no end')).toEqual([]);
    expect(await linesOf('')).toEqual([]);
  });

  it('stop when so much was read, at the begin of a line', async () => {
    const text = 'aaaa\nbbbb\ncccc\ndddd\n';
    for (let chunkBytes = 1; chunkBytes <= text.length; chunkBytes += 1) {
      const found = await linesOf(text, { chunkBytes, maxBytes: 7 });
      expect(found[0]).toEqual(['dddd', 15]);
      expect(found.length).toBeGreaterThanOrEqual(2);
      expect(found.length).toBeLessThan(4);
    }
  });

  it('have no text where they are longer than a line may be, and cost no memory for it', async () => {
    const text = `short\n${'x'.repeat(5000)}\nlast\n`;
    for (const chunkBytes of [7, 64, 10_000]) {
      expect(await linesOf(text, { chunkBytes, maxLineBytes: 100 })).toEqual([
        ['last', 5007],
        [undefined, 6],
        ['short', 0],
      ]);
    }
  });
});
