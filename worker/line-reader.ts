import { MAX_LINE_BYTES } from '../domain/agent-protocol.ts';

const NEWLINE = 0x0a;

/** Thrown when an agent sends a line longer than the protocol allows. */
export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError';
}

/** Cuts a byte stream into lines; never keeps more than one line's worth of an untrusted guest's bytes. */
export class LineReader {
  private rest = Buffer.alloc(0);

  /** The lines that this chunk completes. Throws {@link LineTooLongError}. */
  push(chunk: Buffer): string[] {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const lines: string[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      lines.push(line(bytes.subarray(start, end)));
      start = end + 1;
    }
    this.rest = Buffer.from(bytes.subarray(start));
    line(this.rest);
    return lines;
  }
}

function line(bytes: Buffer): string {
  if (bytes.length > MAX_LINE_BYTES) {
    throw new LineTooLongError(`a line is longer than ${MAX_LINE_BYTES} bytes; send one short JSON object a line`);
  }
  return bytes.toString('utf8');
}
