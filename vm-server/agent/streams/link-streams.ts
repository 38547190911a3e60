import { frameLine, isFrameLine, parseFrame, type StreamFrame } from '../../../domain/agent/streams/frames.ts';
import { StreamMux, type Accept, type StreamListener } from '../../../domain/agent/streams/mux.ts';
import type { AppUsage } from '../counting/app-usage.ts';
import { openExec } from './exec-stream.ts';
import { openFiles } from './files-stream.ts';
import { openPort } from './port-stream.ts';
import type { StreamPlace } from './stream-place.ts';

/** A connection to whoever asks for streams. */
export interface StreamCarrier {
  isOpen: () => boolean;
  /** Whether data may follow what is still to be sent: a report never waits behind much. */
  takesData: () => boolean;
  write: (line: string) => void;
}

/** The streams of one connection of a host, or of the API; they end with it. */
export class LinkStreams {
  readonly #carrier: StreamCarrier;
  readonly #mux: StreamMux;

  constructor(carrier: StreamCarrier, { place, usage }: { place: StreamPlace; usage: AppUsage }) {
    this.#carrier = carrier;
    const link = { send: (frame: StreamFrame) => this.#send(frame), takesData: () => carrier.takesData() };
    this.#mux = new StreamMux(link, (accept) => opened(accept, place, usage));
  }

  /** The connection takes more. */
  pump(): void {
    this.#mux.pump();
  }

  /** The connection is gone. */
  close(): void {
    this.#mux.close({ code: 'streamLost', detail: 'The host went away' });
  }

  /** False for a line that is no frame. Throws for one that no honest host sends. */
  take(line: string): boolean {
    if (!isFrameLine(line)) return false;
    const frame = parseFrame(line, (base64) => Buffer.from(base64, 'base64'));
    // A kind that this agent does not know yet is the host's to notice, by its silence.
    if (frame !== undefined && this.#mux.take(frame) === 'hostile')
      throw new Error('a frame of a stream is out of order');
    return true;
  }

  #send(frame: StreamFrame): void {
    if (!this.#carrier.isOpen()) return;
    const text = (bytes: Uint8Array): string =>
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
    this.#carrier.write(frameLine(frame, text));
  }
}

function opened(accept: Accept, place: StreamPlace, usage: AppUsage): StreamListener {
  const { request } = accept;
  const leave = request.countsAsConnection ? usage.countStream() : undefined;
  const listener = listenerOf(accept, place);
  return {
    ...listener,
    closed: (end) => {
      leave?.();
      listener.closed(end);
    },
  };
}

function listenerOf(accept: Accept, place: StreamPlace): StreamListener {
  const { request } = accept;
  switch (request.kind) {
    case 'port':
      return openPort(request, accept, place);
    case 'exec':
      return openExec(request, accept, place);
    case 'files':
      return openFiles(request, accept, place);
  }
}
