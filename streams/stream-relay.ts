/** Joins the WebSocket of a replica of the API with a stream to an agent; nothing is kept between them but what each lets through. */
import type { WebSocket, RawData } from 'ws';
import type { StreamEnd } from '../domain/agent/streams/frames.ts';
import { STREAM_IDLE_SECONDS } from '../domain/agent/streams/limits.ts';
import type { Stream, StreamListener } from '../domain/agent/streams/mux.ts';
import type { StreamRequest } from '../domain/agent/streams/requests.ts';
import { noticeEndByPings } from '../lib/network/web-socket-pings.ts';
import { parseStreamMessage, type StreamMessage } from '../domain/host/stream-messages.ts';
import { StreamRefused } from './machine-streams.ts';

/** A request comes with the connection; an agent that does not answer one is no better than one that is lost. */
const OPEN_TIMEOUT_MS = 15_000;
const OK = 1000;
const BROKEN = 1002;

export interface RelayOptions {
  /** Undefined when there is no such machine here. @throws StreamRefused. */
  open: (request: StreamRequest, listener: StreamListener) => Stream | undefined;
  idleMs?: number;
  pingMs?: number;
}

const NOT_HERE: StreamEnd = {
  code: 'streamLost',
  detail: 'The host of the VM has no link to its machine now: it is not booted yet, or it ended; try again',
};
const NO_ANSWER: StreamEnd = { code: 'streamLost', detail: 'The agent in the VM does not answer: try again' };
const GONE: StreamEnd = { code: 'cancelled', detail: 'Whoever asked went away' };

export function relayStream(webSocket: WebSocket, options: RelayOptions): void {
  new Relay(webSocket, options).begin();
}

class Relay {
  private readonly webSocket: WebSocket;
  private readonly options: RelayOptions;
  private readonly timer: NodeJS.Timeout;
  private readonly idle: NodeJS.Timeout;
  private stream: Stream | undefined;
  /** Messages of the API that the stream has not taken yet. */
  private underway = 0;

  constructor(webSocket: WebSocket, options: RelayOptions) {
    this.webSocket = webSocket;
    this.options = options;
    this.timer = setTimeout(() => this.reset(NO_ANSWER), OPEN_TIMEOUT_MS);
    const idleMs = options.idleMs ?? STREAM_IDLE_SECONDS * 1000;
    const detail = `Nothing moved for ${idleMs / 1000} seconds`;
    this.idle = setTimeout(() => this.reset({ code: 'streamIdle', detail }), idleMs);
  }

  begin(): void {
    const { webSocket } = this;
    noticeEndByPings(webSocket, this.options.pingMs);
    webSocket.on('error', () => webSocket.terminate());
    webSocket.on('close', () => {
      clearTimeout(this.timer);
      clearTimeout(this.idle);
      this.stream?.reset(GONE);
    });
    webSocket.on('message', (data, isBinary) => {
      this.idle.refresh();
      if (isBinary) this.takeBytes(data);
      else this.takeText(data);
    });
  }

  private takeText(data: RawData): void {
    const message = parseStreamMessage((data as Buffer).toString());
    if (message === undefined || 'opened' in message) this.webSocket.close(BROKEN, 'no message of a stream');
    else if ('open' in message) this.open(message.open);
    else if ('end' in message) this.stream?.end();
    else this.stream?.reset(message.reset);
  }

  private open(request: StreamRequest): void {
    if (this.stream !== undefined) return;
    try {
      this.stream = this.options.open(request, this.listener());
      if (this.stream === undefined) this.finish(NOT_HERE);
    } catch (error) {
      if (!(error instanceof StreamRefused)) throw error;
      this.finish(error.end);
    }
  }

  private takeBytes(data: RawData): void {
    const bytes = data as Buffer;
    const { stream } = this;
    if (stream === undefined || bytes.length < 2) return;
    this.underway += 1;
    this.webSocket.pause();
    stream.write(bytes.subarray(1), bytes[0] ?? 0, () => {
      this.idle.refresh();
      this.underway -= 1;
      if (this.underway === 0) this.webSocket.resume();
    });
  }

  private listener(): StreamListener {
    const { webSocket } = this;
    return {
      opened: () => {
        clearTimeout(this.timer);
        this.say({ opened: true });
      },
      data: (bytes, channel) => {
        const message = Buffer.allocUnsafe(bytes.length + 1);
        message[0] = channel;
        message.set(bytes, 1);
        webSocket.send(message, () => {
          this.idle.refresh();
          this.stream?.consumed(bytes.length);
        });
      },
      end: () => this.say({ end: true }),
      closed: (end) => this.finish(end),
    };
  }

  private reset(end: StreamEnd): void {
    if (this.stream === undefined) this.finish(end);
    else this.stream.reset(end);
  }

  /** A paused connection would not hear that the other end has closed it too. */
  private finish(end: StreamEnd | null): void {
    if (end !== null) this.say({ reset: end });
    this.webSocket.resume();
    this.webSocket.close(OK);
  }

  private say(message: StreamMessage): void {
    if (this.webSocket.readyState === this.webSocket.OPEN) this.webSocket.send(JSON.stringify(message));
  }
}
