/** The uncompressed content of a layer, held against what its image says of it while it is read. */
import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ProviderError } from '../../../../domain/machine/provider-error.ts';
import type { ImageSource } from './image-source.ts';
import { GZIP_MAGIC, asDamaged, tooLarge } from './unpacking.ts';

export interface LayerPart {
  /** Name of the part that holds it. */
  part: string;
  /** Of the bytes of that part; null where the archive does not say. */
  digest: string | null;
  /** Of the uncompressed content. */
  diffId: string;
  /** For messages. */
  what: string;
}

/** How much an image may unpack to, over all its layers. What comes out is counted, whatever headers say. */
export interface UnpackedBudget {
  leftBytes: number;
  limitBytes: number;
}

const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const DIGEST = /^(sha256|sha512):([0-9a-f]{64}|[0-9a-f]{128})$/;

/**
 * The content of a layer to its end. Errors: `imageDamaged` for what is cut off or of another digest, `imageRefused` for a
 * compression that is not read here and for more than the budget.
 */
export async function* layerContent(
  source: ImageSource,
  { part, digest, diffId, what }: LayerPart,
  budget: UnpackedBudget,
): AsyncGenerator<Buffer, void, undefined> {
  const packed = source.read(part);
  if (packed === undefined) throw damaged(`${what} is not in ${source.what}`);
  const packedHash = digest === null ? null : hashOf(digest, what);
  const unpackedHash = hashOf(diffId, what);
  try {
    for await (const piece of unpack(hashing(packed, packedHash), what)) {
      budget.leftBytes -= piece.length;
      if (budget.leftBytes < 0) throw tooLarge(source.what, budget.limitBytes);
      unpackedHash.update(piece);
      yield piece;
    }
  } catch (error) {
    throw asDamaged(error, what);
  }
  requireDigest(packedHash, digest, what);
  requireDigest(unpackedHash, diffId, what);
}

/** Throws `imageDamaged` unless the bytes have the digest. */
export function checkDigest(bytes: Uint8Array, digest: string, what: string): void {
  requireDigest(hashOf(digest, what).update(bytes), digest, what);
}

/** Throws `imageDamaged` for what is no digest that is known here. */
export function hashOf(digest: string, what: string): Hash {
  const [, algorithm, value] = DIGEST.exec(digest) ?? [];
  if (algorithm === undefined || value?.length !== (algorithm === 'sha256' ? 64 : 128)) {
    throw damaged(`${what} is named by ${JSON.stringify(digest).slice(0, 200)}, which is no digest`);
  }
  return createHash(algorithm);
}

async function* hashing(pieces: AsyncIterable<Buffer>, hash: Hash | null): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of pieces) {
    hash?.update(piece);
    yield piece;
  }
}

/** What it is packed with is seen in its first bytes: media types say it too, and some tools say it wrong. */
async function* unpack(
  packed: AsyncGenerator<Buffer, void, undefined>,
  what: string,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    let first = Buffer.alloc(0);
    while (first.length < ZSTD.length) {
      const next = await packed.next();
      if (next.done === true) break;
      first = Buffer.concat([first, next.value]);
    }
    if (first.subarray(0, ZSTD.length).equals(ZSTD)) {
      const text = `${what} is packed with zstd, which is not read here: push or save the image with gzip layers`;
      throw new ProviderError('imageRefused', `${text} (skopeo copy --dest-compress-format gzip …)`);
    }
    const all = async function* (): AsyncGenerator<Buffer, void, undefined> {
      if (first.length > 0) yield first;
      yield* packed;
    };
    yield* first.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC) ? unzip(all()) : all();
  } finally {
    await packed.return();
  }
}

async function* unzip(packed: AsyncGenerator<Buffer, void, undefined>): AsyncGenerator<Buffer, void, undefined> {
  const from = Readable.from(packed);
  const gunzip = createGunzip();
  from.once('error', (error) => gunzip.destroy(error));
  try {
    yield* from.pipe(gunzip) as AsyncIterable<Buffer>;
  } finally {
    from.destroy();
    gunzip.destroy();
  }
}

function requireDigest(hash: Hash | null, digest: string | null, what: string): void {
  if (hash === null || digest === null) return;
  if (hash.digest('hex') === digest.slice(digest.indexOf(':') + 1)) return;
  throw damaged(`${what} is not what the image names: its content is not ${digest}`);
}

function damaged(message: string): ProviderError {
  return new ProviderError('imageDamaged', message);
}
