const NEWLINE = 0x0a;

/** Thrown when a line is longer than its reader allows. */
export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError';
}

/** Cuts a byte stream into lines; never keeps more than one line's worth of what an untrusted sender sends. */
export class LineReader {
  readonly #maxBytes: number;
  #rest: Buffer = Buffer.alloc(0);

  /** `maxBytes`: of one line, without its end. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that this chunk completes. Throws {@link LineTooLongError}. */
  push(chunk: Buffer): string[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const lines: string[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      this.#refuseLong(end - start);
      lines.push(bytes.toString('utf8', start, end));
      start = end + 1;
    }
    this.#refuseLong(bytes.length - start);
    // A copy: the chunk's memory is the socket's.
    this.#rest = Buffer.from(bytes.subarray(start));
    return lines;
  }

  #refuseLong(bytes: number): void {
    if (bytes <= this.#maxBytes) return;
    throw new LineTooLongError(`a line is longer than ${this.#maxBytes} bytes; send one short JSON object a line`);
  }
}
