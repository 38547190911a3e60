/** Reads tar archives (ustar, pax, GNU) as container tools write them, without unpacking anything. */
import { ProviderError } from '../../../../domain/machine/provider-error.ts';
import { ByteReader } from './byte-reader.ts';
import { BLOCK_BYTES, TYPE_FLAG, XATTR_PREFIX, type TarHeader, type TarType } from './tar-entry.ts';

/** A name or a list of attributes that is longer is nobody's file. */
const MAX_EXTENSION_BYTES = 1024 * 1024;

export interface TarEntry extends TarHeader {
  /** Where its content begins in the archive. */
  contentAt: number;
  /** The content; what is not read is skipped. */
  content: () => AsyncGenerator<Buffer, void, undefined>;
}

const TYPE_OF_FLAG: ReadonlyMap<string, TarType> = new Map([
  ...Object.entries(TYPE_FLAG).map(([type, flag]) => [flag, type as TarType] as const),
  ['\0', 'file'],
  ['7', 'file'],
]);

/**
 * The entries of an archive, then what is after them, so that all of it was read. `what`: its name in messages. Errors:
 * `imageDamaged`; `imageRefused` for what no container tool writes.
 */
export async function* readTar(source: AsyncIterable<Buffer>, what: string): AsyncGenerator<TarEntry, void, undefined> {
  const reader = new ByteReader(source, what);
  try {
    yield* entriesIn(reader, what);
    await reader.drain();
  } finally {
    await reader.close();
  }
}

async function* entriesIn(reader: ByteReader, what: string): AsyncGenerator<TarEntry, void, undefined> {
  let global: PaxRecords = new Map();
  let extension: Extension = { pax: new Map() };
  for (;;) {
    const block = await reader.take(BLOCK_BYTES);
    if (block === undefined || block.every((byte) => byte === 0)) return;
    if (block.length < BLOCK_BYTES || !hasRightSum(block)) throw damaged(what, 'a header in it is broken');
    const flag = block.toString('latin1', 156, 157);
    const size = numberOf(block, 124, 12, what);
    if (EXTENSION_FLAGS.includes(flag)) {
      const content = await readExtension(reader, size, what);
      if (flag === 'g') global = new Map([...global, ...paxRecords(content, what)]);
      else if (flag === 'x') extension = { ...extension, pax: paxRecords(content, what) };
      else if (flag === 'L') extension = { ...extension, name: cText(content) };
      else extension = { ...extension, target: cText(content) };
      continue;
    }
    const header = headerOf(block, { ...extension, pax: new Map([...global, ...extension.pax]) }, size, what);
    extension = { pax: new Map() };
    let read = 0;
    const content = async function* (): AsyncGenerator<Buffer, void, undefined> {
      for await (const piece of reader.pieces(header.size - read)) {
        read += piece.length;
        yield piece;
      }
    };
    yield { ...header, contentAt: reader.position, content };
    await reader.skip(header.size - read + paddingOf(header.size));
  }
}

/** Zeros after a content of so many bytes. */
export function paddingOf(bytes: number): number {
  return (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

type PaxRecords = ReadonlyMap<string, Buffer>;

/** What stands before a header and is of it. */
interface Extension {
  pax: PaxRecords;
  name?: string;
  target?: string;
}

const EXTENSION_FLAGS = ['x', 'g', 'L', 'K'];

async function readExtension(reader: ByteReader, size: number, what: string): Promise<Buffer> {
  if (size > MAX_EXTENSION_BYTES) throw damaged(what, `a header in it has ${size} bytes`);
  const content = await reader.take(size);
  await reader.skip(paddingOf(size));
  return content ?? Buffer.alloc(0);
}

function headerOf(block: Buffer, { pax, name, target }: Extension, sizeInBlock: number, what: string): TarHeader {
  const flag = block.toString('latin1', 156, 157);
  let type = TYPE_OF_FLAG.get(flag);
  if (type === undefined || [...pax.keys()].some((key) => key.startsWith('GNU.sparse.'))) {
    throw new ProviderError(
      'imageRefused',
      `${what} holds an entry of the kind ${JSON.stringify(flag)} or a sparse one`,
    );
  }
  const fullName = pax.get('path')?.toString('latin1') ?? name ?? nameOf(block);
  // Archives of before 1988 have directories so.
  if (type === 'file' && fullName.endsWith('/')) type = 'directory';
  const paxNumber = (key: string): number | undefined => numberInPax(pax.get(key), what);
  return {
    name: fullName,
    type,
    size: type === 'file' ? (paxNumber('size') ?? sizeInBlock) : 0,
    target: pax.get('linkpath')?.toString('latin1') ?? target ?? field(block, 157, 100),
    mode: numberOf(block, 100, 8, what) & 0o7777,
    uid: paxNumber('uid') ?? numberOf(block, 108, 8, what),
    gid: paxNumber('gid') ?? numberOf(block, 116, 8, what),
    modifiedAt: paxNumber('mtime') ?? numberOf(block, 136, 12, what),
    xattrs: xattrsOf(pax),
    device:
      type === 'character' || type === 'block'
        ? { major: numberOf(block, 329, 8, what), minor: numberOf(block, 337, 8, what) }
        : { major: 0, minor: 0 },
  };
}

function nameOf(block: Buffer): string {
  const name = field(block, 0, 100);
  // GNU's own format has times where ustar has a prefix.
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? field(block, 345, 155) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function xattrsOf(pax: PaxRecords): Map<string, Buffer> {
  const found = [...pax].filter(([key]) => key.startsWith(XATTR_PREFIX));
  return new Map(found.map(([key, value]) => [key.slice(XATTR_PREFIX.length), value]));
}

function paxRecords(content: Buffer, what: string): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at);
    const length = Number(content.toString('latin1', at, Math.max(space, at)));
    const equals = content.indexOf(0x3d, space);
    const end = at + length;
    const isWhole = space > at && Number.isInteger(length) && equals > space && equals < end && end <= content.length;
    if (!isWhole || content[end - 1] !== 0x0a) throw damaged(what, 'a header in it is broken');
    records.set(content.toString('latin1', space + 1, equals), content.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

function numberInPax(value: Buffer | undefined, what: string): number | undefined {
  if (value === undefined) return undefined;
  const number = Math.floor(Number(value.toString('latin1')));
  if (!Number.isSafeInteger(number)) throw damaged(what, 'a header in it is broken');
  return Math.max(0, number);
}

/** A number of a header: octal text, or with its highest bit set the number itself. */
function numberOf(block: Buffer, start: number, length: number, what: string): number {
  const first = block[start] ?? 0;
  if ((first & 0x80) !== 0) {
    // Of negative ones, times before 1970, nothing is kept.
    if (first === 0xff) return 0;
    let value = first & 0x7f;
    for (let place = 1; place < length; place += 1) value = value * 256 + (block[start + place] ?? 0);
    if (!Number.isSafeInteger(value)) throw damaged(what, 'a number in it is broken');
    return value;
  }
  const text = field(block, start, length).trim();
  if (!/^[0-7]*$/.test(text)) throw damaged(what, 'a number in it is broken');
  return text === '' ? 0 : Number.parseInt(text, 8);
}

function hasRightSum(block: Buffer): boolean {
  const said = Number.parseInt(field(block, 148, 8).trim(), 8);
  let sum = 8 * 0x20;
  for (const [place, byte] of block.entries()) if (place < 148 || place >= 156) sum += byte;
  return sum === said;
}

function field(block: Buffer, start: number, length: number): string {
  return cText(block.subarray(start, start + length));
}

function cText(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
}

function damaged(what: string, why: string): ProviderError {
  return new ProviderError('imageDamaged', `${what} is no tar archive, or damaged: ${why}`);
}
