/** A stream to the agent of a VM, through the host of its machine. */
import { WebSocket, type RawData } from 'ws';
import type { StreamEnd } from '../../domain/agent/streams/frames.ts';
import type { StreamRequest } from '../../domain/agent/streams/requests.ts';
import { parseStreamMessage, type StreamMessage } from '../../domain/host/stream-messages.ts';

/** A host takes no longer messages. */
const PIECE_BYTES = 64 * 1024;
const LINGER_MS = 10_000;

export interface HostStreamListener {
  /** `done` is called when there is room for more. */
  data: (bytes: Buffer, channel: number, done: () => void) => void;
  /** The VM sends nothing more. */
  end: () => void;
  /** Heard once and last; null: both directions have come to their ends. */
  closed: (end: StreamEnd | null) => void;
}

const HOST_GONE: StreamEnd = {
  code: 'streamLost',
  detail: 'The connection to the host of the VM was lost: its worker may have started again',
};

export class HostStream {
  private readonly webSocket: WebSocket;
  private listener: HostStreamListener | undefined;
  private readonly early: ((listener: HostStreamListener) => void)[] = [];
  private underway = 0;
  private isOver = false;
  private end: StreamEnd | null = HOST_GONE;
  private ended = { here: false, there: false };

  private constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
  }

  /** Asks for a stream over a connection to its host. Resolves with why there is none, where there is none. */
  static open(webSocket: WebSocket, request: StreamRequest): Promise<HostStream | StreamEnd> {
    const stream = new HostStream(webSocket);
    return new Promise((resolve) => {
      webSocket.on('message', (data, isBinary) => {
        if (isBinary) stream.takeBytes(data);
        else stream.takeText(data, () => resolve(stream));
      });
      webSocket.on('error', () => webSocket.terminate());
      webSocket.on('close', () => {
        stream.over();
        resolve(stream.end ?? HOST_GONE);
      });
      webSocket.send(JSON.stringify({ open: request } satisfies StreamMessage));
    });
  }

  /** From now on it is heard, with all that came before. */
  listen(listener: HostStreamListener): void {
    this.listener = listener;
    for (const tell of this.early.splice(0)) tell(listener);
  }

  /** `taken`: there is room for more. */
  write(bytes: Uint8Array, channel: number, taken: () => void): void {
    for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
      const piece = bytes.subarray(start, start + PIECE_BYTES);
      const message = Buffer.allocUnsafe(piece.length + 1);
      message[0] = channel;
      message.set(piece, 1);
      const isLast = start + PIECE_BYTES >= bytes.length;
      this.webSocket.send(message, () => {
        if (isLast) taken();
      });
    }
    if (bytes.length === 0) taken();
  }

  /** Nothing more is sent. */
  sendEnd(): void {
    if (this.ended.here) return;
    this.ended.here = true;
    this.say({ end: true });
  }

  /** Nobody wants it any more. */
  cancel(): void {
    this.say({ reset: { code: 'cancelled', detail: 'Whoever asked went away' } });
    this.webSocket.resume();
    this.webSocket.close();
  }

  /** Nobody reads it any more, and what was sent still gets there. */
  leave(): void {
    this.listener = { data: (_bytes, _channel, done) => done(), end: () => undefined, closed: () => undefined };
    this.webSocket.resume();
    this.sendEnd();
    setTimeout(() => this.cancel(), LINGER_MS).unref();
  }

  private takeBytes(data: RawData): void {
    const bytes = data as Buffer;
    this.underway += 1;
    this.webSocket.pause();
    this.tell(({ data: take }) =>
      take(bytes.subarray(1), bytes[0] ?? 0, () => {
        this.underway -= 1;
        if (this.underway === 0) this.webSocket.resume();
      }),
    );
  }

  private takeText(data: RawData, opened: () => void): void {
    const message = parseStreamMessage((data as Buffer).toString());
    if (message === undefined || 'open' in message) this.webSocket.terminate();
    else if ('opened' in message) opened();
    else if ('reset' in message) this.end = message.reset;
    else {
      this.ended.there = true;
      if (this.end === HOST_GONE) this.tell(({ end }) => end());
    }
  }

  private over(): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.end === HOST_GONE && this.ended.here && this.ended.there) this.end = null;
    this.tell(({ closed }) => closed(this.end));
  }

  private tell(what: (listener: HostStreamListener) => void): void {
    if (this.listener === undefined) this.early.push(what);
    else what(this.listener);
  }

  private say(message: StreamMessage): void {
    if (this.webSocket.readyState === WebSocket.OPEN) this.webSocket.send(JSON.stringify(message));
  }
}
