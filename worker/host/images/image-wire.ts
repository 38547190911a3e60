/** How a machine image goes from host to host: one line of JSON that says what it is, then its content. */
import type { ImageVersion } from '../../../domain/machine/image-copies.ts';

/** Whether the host keeps it until somebody removes it: a CopyOrigin. */
export const ORIGIN_HEADER = 'x-ephemera-image-origin';
const PATH = /^\/internal\/machine-images\/([a-z0-9-]{1,63})(?:\/([0-9a-f]{12}))?$/;
/** A container image's environment and labels may take some of it. */
const MOST_LINE_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

export function imagePath({ name, version }: ImageVersion): string {
  return `/internal/machine-images/${name}/${version}`;
}

/** Undefined for other paths; without a version the whole name is meant. */
export function parseImagePath(path: string): { name: string; version: string | null } | undefined {
  const [, name, version = null] = PATH.exec(path) ?? [];
  return name === undefined ? undefined : { name, version };
}

export function manifestLine(manifest: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(manifest)}\n`);
}

/** Reads the line; what follows it is the content. Rejects where no line comes. */
export async function manifestAndContent(
  stream: AsyncIterable<Uint8Array>,
): Promise<{ manifest: unknown; content: AsyncIterable<Uint8Array> }> {
  const chunks = stream[Symbol.asyncIterator]();
  let line = Buffer.alloc(0);
  for (;;) {
    const next = await chunks.next();
    if (next.done === true) throw new Error('it ends before it says what it is');
    line = Buffer.concat([line, next.value]);
    const end = line.indexOf(NEWLINE);
    if (end < 0 && line.length <= MOST_LINE_BYTES) continue;
    if (end < 0) throw new Error('it does not say what it is');
    const rest = line.subarray(end + 1);
    const content = async function* (): AsyncGenerator<Uint8Array> {
      if (rest.length > 0) yield rest;
      for (let more = await chunks.next(); more.done !== true; more = await chunks.next()) yield more.value;
    };
    return { manifest: JSON.parse(line.toString('utf8', 0, end)) as unknown, content: content() };
  }
}
