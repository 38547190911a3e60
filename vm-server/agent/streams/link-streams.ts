import type { Socket } from 'node:net';
import { frameLine, isFrameLine, parseFrame, type StreamFrame } from '../../../domain/agent/streams/frames.ts';
import { StreamMux, type Accept, type StreamListener } from '../../../domain/agent/streams/mux.ts';
import type { AppUsage } from '../counting/app-usage.ts';
import { openExec } from './exec-stream.ts';
import { openFiles } from './files-stream.ts';
import { openPort } from './port-stream.ts';
import type { StreamPlace } from './stream-place.ts';

/** A report never waits behind more than this and what the system keeps of a socket. */
const MAX_UNSENT_BYTES = 32 * 1024;

/** The streams of one connection of a host; they end with it. */
export class LinkStreams {
  readonly #socket: Socket;
  readonly #mux: StreamMux;

  constructor(socket: Socket, place: StreamPlace, usage: AppUsage) {
    this.#socket = socket;
    const link = {
      send: (frame: StreamFrame) => this.#send(frame),
      takesData: () => !socket.destroyed && socket.writableLength < MAX_UNSENT_BYTES,
    };
    this.#mux = new StreamMux(link, (accept) => opened(accept, place, usage));
    socket.on('drain', () => this.#mux.pump());
    socket.on('close', () => this.#mux.close({ code: 'streamLost', detail: 'The host went away' }));
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
    if (this.#socket.destroyed) return;
    const text = (bytes: Uint8Array): string =>
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
    this.#socket.write(`${frameLine(frame, text)}\n`);
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
