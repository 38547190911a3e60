import { Trickle } from './trickle.ts';

/** After so many times the limit of one chunk a stream that brought next to nothing has stalled too. */
const TRICKLES_AFTER = 10;

/** A stream that brought nothing for a time. */
export class Stalled extends Error {
  override readonly name = 'Stalled';
}

/**
 * The same chunks. Rejects with {@link Stalled}, and ends the stream, when none comes for `stallMs`, or they come one by one for so long
 * that the whole would never come.
 */
export async function* withStallLimit<Chunk extends Uint8Array>(
  stream: AsyncIterable<Chunk>,
  stallMs: number,
): AsyncGenerator<Chunk> {
  const chunks = stream[Symbol.asyncIterator]();
  const trickle = new Trickle(TRICKLES_AFTER * stallMs);
  let isOver = false;
  try {
    for (;;) {
      const began = performance.now();
      const next = await inTime(chunks.next(), stallMs, `nothing came for ${stallMs / 1000} s`);
      if (next.done === true) {
        isOver = true;
        return;
      }
      if (trickle.came(next.value.length, performance.now() - began)) {
        throw new Stalled(`less than 1 KiB a second came for ${(TRICKLES_AFTER * stallMs) / 1000} s`);
      }
      yield next.value;
    }
  } finally {
    // A stream that stalls may not answer to its end either.
    if (!isOver) void Promise.resolve(chunks.return?.()).catch(() => undefined);
  }
}

/** What `work` brings. Rejects with {@link Stalled}, which says `late`, when that takes longer; nobody ends the work. */
export async function inTime<Value>(work: Promise<Value>, ms: number, late: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Stalled(late)), ms);
  });
  // What comes too late, or fails then, is nobody's any more.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
