import { MAX_ASSIGNMENT_BYTES } from '../../domain/assignment.ts';

/** Cuts a byte stream into lines. */
export class LineSplitter {
  #rest: Buffer = Buffer.alloc(0);

  /** The lines that are complete with this chunk. Throws when one is longer than the link allows. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let end = bytes.indexOf('\n'); end !== -1; end = bytes.indexOf('\n')) {
      refuseLongLine(end);
      lines.push(bytes.toString('utf8', 0, end));
      bytes = bytes.subarray(end + 1);
    }
    refuseLongLine(bytes.length);
    this.#rest = bytes;
    return lines;
  }
}

function refuseLongLine(bytes: number): void {
  if (bytes > MAX_ASSIGNMENT_BYTES) throw new Error(`a line is longer than ${MAX_ASSIGNMENT_BYTES} bytes`);
}
