import type { Readable, Writable } from 'node:stream';
import type { Stream } from '../../../domain/agent/streams/mux.ts';

export interface PumpOptions {
  /** What of a chunk is sent. */
  map?: (chunk: Uint8Array) => Uint8Array;
  /** A chunk went out. */
  onTaken?: () => void;
}

/** Copies what comes from here to a stream, no faster than its other end reads. */
export function pumpOut(from: Readable, stream: Stream, channel: number, options: PumpOptions = {}): void {
  const { map = (chunk: Uint8Array): Uint8Array => chunk, onTaken } = options;
  from.on('data', (chunk: Buffer) => {
    from.pause();
    stream.write(map(chunk), channel, () => {
      onTaken?.();
      from.resume();
    });
  });
  // Its end is told by 'close' or an exit, which come in any case.
  from.on('error', () => undefined);
}

/** Gives what came over a stream to a writable, which says by taking it that more may come. */
export function pumpIn(bytes: Uint8Array, to: Writable | null, stream: Stream): void {
  const done = (): void => stream.consumed(bytes.length);
  if (to === null || to.destroyed || to.writableEnded) done();
  else to.write(bytes, done);
}
