import { ProviderError } from '../../../../domain/machine/provider-error.ts';

const EMPTY = Buffer.alloc(0);

/** Reads a stream piece by piece. What ends too early is `imageDamaged`. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #what: string;
  #rest: Buffer = EMPTY;
  #position = 0;

  /** `what`: the stream's name in messages. */
  constructor(source: AsyncIterable<Buffer>, what: string) {
    this.#chunks = source[Symbol.asyncIterator]();
    this.#what = what;
  }

  /** How many bytes were read. */
  get position(): number {
    return this.#position;
  }

  /** The next bytes; undefined at the end of the stream. */
  async take(bytes: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    for await (const part of this.pieces(bytes, true)) parts.push(part);
    if (bytes > 0 && parts.length === 0) return undefined;
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }

  /** The next bytes as they come. `mayEnd`: there may be none at all. */
  async *pieces(bytes: number, mayEnd = false): AsyncGenerator<Buffer, void, undefined> {
    let left = bytes;
    while (left > 0) {
      if (this.#rest.length === 0 && !(await this.#more())) {
        if (mayEnd && left === bytes) return;
        throw new ProviderError('imageDamaged', `${this.#what} is cut off: it ends in the middle of a file`);
      }
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      this.#position += piece.length;
      yield piece;
    }
  }

  async skip(bytes: number): Promise<void> {
    let left = bytes;
    for await (const piece of this.pieces(bytes)) left -= piece.length;
    if (left !== 0) throw new Error('skipped another number of bytes');
  }

  /** Reads what is left, so that who looks on has seen all of it. */
  async drain(): Promise<void> {
    this.#rest = EMPTY;
    while (await this.#more()) this.#rest = EMPTY;
  }

  /** Ends the stream where it is. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    this.#rest = next.value;
    return true;
  }
}
