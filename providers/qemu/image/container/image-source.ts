/** Where the parts of a container image are: a directory or an archive, told apart by what is in it. */
import { constants, createReadStream } from 'node:fs';
import { lstat, open, readFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { ProviderError } from '../../../../domain/machine/provider-error.ts';
import { isAbsent } from '../../../../lib/files/absent.ts';
import { readTar } from './tar-reader.ts';
import { GZIP_MAGIC, asDamaged, limitedTo } from './unpacking.ts';

/** Descriptions of an image are small; what is larger is none. */
const MAX_JSON_BYTES = 8 * 1024 * 1024;

/** Named parts of an image, each read as often as asked for. */
export interface ImageSource {
  /** For messages. */
  what: string;
  /** The content of a part; undefined where there is none of this name. */
  read(name: string): AsyncIterable<Buffer> | undefined;
}

/** The JSON value of a part, with its bytes; undefined where there is none of this name. Errors: `imageDamaged`. */
export async function readJsonPart(
  source: ImageSource,
  name: string,
): Promise<{ bytes: Buffer; value: unknown } | undefined> {
  const content = source.read(name);
  if (content === undefined) return undefined;
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of content) {
    size += piece.length;
    if (size > MAX_JSON_BYTES) throw damaged(`${name} in ${source.what} has more than ${MAX_JSON_BYTES} bytes`);
    pieces.push(piece);
  }
  const bytes = Buffer.concat(pieces);
  try {
    return { bytes, value: JSON.parse(bytes.toString('utf8')) as unknown };
  } catch (cause) {
    throw new ProviderError('imageDamaged', `${name} in ${source.what} is no JSON`, { cause });
  }
}

/**
 * The parts in `path`: an OCI layout directory, or an archive of one, or what `docker save` writes, gzipped or not. A
 * gzipped one is unpacked into `scratchFile`, up to `limitBytes`. Errors: `imageRefused` where it is none of them,
 * `imageDamaged`.
 */
export async function openImageSource(path: string, scratchFile: string, limitBytes: number): Promise<ImageSource> {
  const facts = await stat(path).catch((cause: unknown) => {
    if (!isAbsent(cause)) throw cause;
    throw new ProviderError('imageRefused', `${path} is not there`, { cause });
  });
  if (facts.isDirectory()) return directorySource(path);
  if (!facts.isFile()) throw new ProviderError('imageRefused', `${path} is neither a file nor a directory`);
  const archive = (await isGzipped(path)) ? await unpacked(path, scratchFile, limitBytes) : path;
  return archiveSource(archive, path);
}

async function directorySource(path: string): Promise<ImageSource> {
  await readFile(join(path, 'oci-layout'), 'utf8').catch((cause: unknown) => {
    if (!isAbsent(cause)) throw cause;
    const text = `${path} is a directory and no OCI layout: it has no file oci-layout`;
    throw new ProviderError('imageRefused', text, { cause });
  });
  return {
    what: path,
    // Names are checked by who asks: digests and file names, with no way up.
    read: (name) => readPlain(join(path, name), `${name} in ${path}`),
  };
}

async function* readPlain(path: string, what: string): AsyncGenerator<Buffer, void, undefined> {
  const missing = (cause: unknown): never => {
    throw new ProviderError('imageDamaged', `${what} is not there`, { cause });
  };
  const found = await lstat(path).catch(missing);
  if (!found.isFile()) throw damaged(`${what} is no plain file`);
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(missing);
  yield* file.createReadStream() as AsyncIterable<Buffer>;
}

interface Part {
  start: number;
  bytes: number;
}

/** Parts are found once and read from their places afterwards. */
async function archiveSource(archive: string, path: string): Promise<ImageSource> {
  const { parts, links } = await partsOf(archive, path);
  const find = (name: string): Part | undefined => parts.get(name) ?? parts.get(links.get(name) ?? '');
  return {
    what: path,
    read: (name) => {
      const part = find(name);
      if (part === undefined) return undefined;
      return part.bytes === 0
        ? nothing()
        : createReadStream(archive, { start: part.start, end: part.start + part.bytes - 1 });
    },
  };
}

// eslint-disable-next-line @typescript-eslint/require-await -- a stream without anything in it
async function* nothing(): AsyncGenerator<Buffer, void, undefined> {
  yield* [];
}

async function partsOf(
  archive: string,
  path: string,
): Promise<{ parts: Map<string, Part>; links: Map<string, string> }> {
  const parts = new Map<string, Part>();
  /** Layers that several images share are links in archives of older Dockers. */
  const links = new Map<string, string>();
  for await (const { name: written, type, size, target, contentAt } of readTar(createReadStream(archive), path)) {
    const name = posix.normalize(written);
    if (type === 'file') parts.set(name, { start: contentAt, bytes: size });
    if (type === 'symlink') links.set(name, posix.join(posix.dirname(name), target));
    if (type === 'link') links.set(name, posix.normalize(target));
  }
  return { parts, links };
}

async function isGzipped(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer.equals(GZIP_MAGIC);
  } finally {
    await file.close();
  }
}

async function unpacked(path: string, scratchFile: string, limitBytes: number): Promise<string> {
  const to = await open(scratchFile, 'wx', 0o600);
  try {
    await pipeline(createReadStream(path), createGunzip(), limitedTo(limitBytes, path), to.createWriteStream());
    return scratchFile;
  } catch (error) {
    throw asDamaged(error, path);
  }
}

function damaged(message: string): ProviderError {
  return new ProviderError('imageDamaged', message);
}
