import { ProviderError } from '../../../../domain/machine/provider-error.ts';

/** The first bytes of what gzip packed. */
export const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

/** Passes on at most so many bytes. Errors: `imageRefused`. */
export function limitedTo(limitBytes: number, what: string) {
  return async function* (pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
    let left = limitBytes;
    for await (const piece of pieces) {
      left -= piece.length;
      if (left < 0) throw tooLarge(what, limitBytes);
      yield piece;
    }
  };
}

/** What zlib finds wrong is a damaged image; anything else as it is. */
export function asDamaged(error: unknown, what: string): unknown {
  const code: unknown = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  if (typeof code !== 'string' || !code.startsWith('Z_')) return error;
  const text = `${what} is cut off or damaged: ${(error as Error).message}`;
  return new ProviderError('imageDamaged', text, { cause: error });
}

/** The error for an image that unpacks to more than it may. */
export function tooLarge(what: string, limitBytes: number): ProviderError {
  const gigabytes = Math.round((limitBytes / 1024 ** 3) * 10) / 10;
  return new ProviderError('imageRefused', `${what} unpacks to more than ${gigabytes} GB, the most that is taken here`);
}
