import type { FileHandle } from 'node:fs/promises';

const NEWLINE = 0x0a;
const CHUNK_BYTES = 256 * 1024;
const MAX_LINE_BYTES = 1024 * 1024;

/** A whole line of a file, without its end, and the offset at which it begins. */
export interface PlacedLine {
  /** Undefined: it is longer than a line may be. */
  text: string | undefined;
  offset: number;
}

/**
 * The lines that end before `end`, the last one first, until `end - maxBytes` is passed; what follows the last line end before `end` is no whole line
 * yet and left out. Holds one chunk and one line at a time, however long the file is.
 */
export async function* linesFromEnd(
  file: Pick<FileHandle, 'read'>,
  end: number,
  { maxBytes = Infinity, chunkBytes = CHUNK_BYTES, maxLineBytes = MAX_LINE_BYTES } = {},
): AsyncGenerator<PlacedLine> {
  const lowest = Math.max(0, end - maxBytes);
  let start = end;
  /** What was read of the line that begins before `start`, its end included; null before the first line end. */
  let tail: Buffer | null = null;
  let isTooLong = false;
  while (start > lowest || (start > 0 && tail !== null && tail.length > 0)) {
    const length = Math.min(chunkBytes, start);
    const chunk = await readWhole(file, start - length, length);
    start -= length;
    let upTo = chunk.length;
    for (let at = chunk.lastIndexOf(NEWLINE); at !== -1; at = at === 0 ? -1 : chunk.lastIndexOf(NEWLINE, at - 1)) {
      const rest = chunk.subarray(at + 1, upTo);
      upTo = at;
      if (tail !== null) {
        const line: Buffer = tail.length === 0 ? rest : Buffer.concat([rest, tail]);
        yield {
          text: isTooLong || line.length > maxLineBytes ? undefined : line.toString('utf8'),
          offset: start + at + 1,
        };
      }
      tail = Buffer.alloc(0);
      isTooLong = false;
      if (start + at + 1 <= lowest) return;
    }
    if (tail === null) continue;
    if (tail.length + upTo > maxLineBytes) isTooLong = true;
    tail = isTooLong ? Buffer.alloc(1) : Buffer.concat([chunk.subarray(0, upTo), tail]);
  }
  if (start === 0 && tail !== null) yield { text: isTooLong ? undefined : tail.toString('utf8'), offset: 0 };
}

async function readWhole(file: Pick<FileHandle, 'read'>, position: number, length: number): Promise<Buffer> {
  const chunk = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(chunk, filled, length - filled, position + filled);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    filled += bytesRead;
  }
  return chunk;
}
