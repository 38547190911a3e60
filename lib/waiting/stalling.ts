/** A stream that brought nothing for a time. */
export class Stalled extends Error {
  override readonly name = 'Stalled';
}

/** The same chunks. Rejects with {@link Stalled}, and ends the stream, when none comes for `stallMs`. */
export async function* withStallLimit<Chunk>(stream: AsyncIterable<Chunk>, stallMs: number): AsyncGenerator<Chunk> {
  const chunks = stream[Symbol.asyncIterator]();
  let isOver = false;
  try {
    for (;;) {
      const next = await inTime(chunks.next(), stallMs);
      if (next.done === true) {
        isOver = true;
        return;
      }
      yield next.value;
    }
  } finally {
    // A stream that stalls may not answer to its end either.
    if (!isOver) void Promise.resolve(chunks.return?.()).catch(() => undefined);
  }
}

async function inTime<Value>(work: Promise<Value>, ms: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Stalled(`nothing came for ${ms / 1000} s`)), ms);
  });
  // What comes too late, or fails then, is nobody's any more.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
