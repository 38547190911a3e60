import { connect, type Socket } from 'node:net';
import type { Logger } from 'pino';
import { MAX_LINE_BYTES, type AgentCommand } from '../../domain/agent/protocol.ts';
import { backoffMs } from '../../lib/waiting/backoff.ts';
import { LineReader } from '../../lib/text/lines.ts';

const RETRY = { firstMs: 25, longestMs: 2000 } as const;
/** A connection that held this long was a good one: the next retry begins early again. */
const GOOD_CONNECTION_MS = 5000;
/** Bytes a second that we read of one machine; the rest waits in the socket. */
const MAX_BYTES_PER_SECOND = 256 * 1024;
/** Of an agent that does not read. Streams keep to less, so that a command always has room. */
const MAX_UNREAD_BYTES = 256 * 1024;
const MAX_UNSENT_DATA_BYTES = 32 * 1024;

/** What a connection tells the link that it is of. */
export interface ConnectionEvents {
  /** How many of its bytes are nobody's flood, because they were asked for. */
  line(line: string): number;
  connected(): void;
  /** What was written went out: there is room for more. */
  drained(): void;
  /** A connection was lost or not made. False: nobody wants another. */
  lost(): Promise<boolean>;
}

export interface AgentConnectionOptions {
  socketPath: string;
  log: Pick<Logger, 'warn'>;
  events: ConnectionEvents;
}

/** Stays connected to an agent's unix socket until it is closed or nobody wants it any more. */
export class AgentConnection {
  private readonly options: AgentConnectionOptions;
  private socket: Socket | null = null;
  private connected = false;
  private closed = false;
  private failures = 0;
  private retry: NodeJS.Timeout | undefined;

  constructor(options: AgentConnectionOptions) {
    this.options = options;
    this.connect();
  }

  /** False when nothing is connected, or the agent does not read. */
  send(command: AgentCommand): boolean {
    if (!this.connected || this.socket === null || this.socket.writableLength > MAX_UNREAD_BYTES) return false;
    this.socket.write(`${JSON.stringify(command)}\n`);
    return true;
  }

  /** Whether data may follow what is still to be sent; a command never waits behind more than that. */
  takesData(): boolean {
    return this.connected && this.socket !== null && this.socket.writableLength < MAX_UNSENT_DATA_BYTES;
  }

  /** For frames of streams, whose senders look whether there is room. */
  sendFrame(line: string): void {
    if (this.connected && this.socket?.destroyed === false) this.socket.write(`${line}\n`);
  }

  /** Cuts the connection, whose other end is not honest; another is tried later. */
  cut(why: string): void {
    this.options.log.warn({ why }, 'the agent link was closed');
    this.socket?.destroy();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.retry);
    this.socket?.destroy();
  }

  private connect(): void {
    const socket = connect(this.options.socketPath);
    const reader = new LineReader(MAX_LINE_BYTES);
    let connectedAt = 0;
    let budget = MAX_BYTES_PER_SECOND;
    let refill: NodeJS.Timeout | undefined;
    this.socket = socket;
    socket.on('connect', () => {
      connectedAt = Date.now();
      this.connected = true;
      this.options.events.connected();
    });
    socket.on('data', (chunk) => {
      refill ??= setTimeout(() => {
        refill = undefined;
        budget = MAX_BYTES_PER_SECOND;
        socket.resume();
      }, 1000);
      budget -= chunk.length;
      budget += this.read(socket, reader, chunk);
      if (budget <= 0) socket.pause();
    });
    socket.on('drain', () => this.options.events.drained());
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(refill);
      this.connected = false;
      if (connectedAt > 0 && Date.now() - connectedAt > GOOD_CONNECTION_MS) this.failures = 0;
      void this.lost();
    });
  }

  /** How many bytes of the lines that end here were asked for. */
  private read(socket: Socket, reader: LineReader, chunk: Buffer): number {
    let expected = 0;
    try {
      for (const line of reader.push(chunk)) {
        if (!this.closed && !socket.destroyed) expected += this.options.events.line(line);
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.options.log.warn({ why }, 'the agent link was closed');
      socket.destroy();
    }
    return expected;
  }

  private async lost(): Promise<void> {
    if (this.closed) return;
    const wanted = await this.options.events.lost().catch(() => true);
    // It may have been closed while we asked.
    if (!wanted || this.isClosed()) return;
    this.retry = setTimeout(() => this.connect(), backoffMs(RETRY, this.failures));
    this.failures += 1;
  }

  private isClosed(): boolean {
    return this.closed;
  }
}
