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
const MAX_UNREAD_BYTES = 64 * 1024;

/** What a connection tells the link that it is of. */
export interface ConnectionEvents {
  line(line: string): void;
  connected(): void;
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
      if (budget <= 0) socket.pause();
      this.read(socket, reader, chunk);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(refill);
      this.connected = false;
      if (connectedAt > 0 && Date.now() - connectedAt > GOOD_CONNECTION_MS) this.failures = 0;
      void this.lost();
    });
  }

  private read(socket: Socket, reader: LineReader, chunk: Buffer): void {
    try {
      for (const line of reader.push(chunk)) if (!this.closed) this.options.events.line(line);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.options.log.warn({ why }, 'the agent link was closed');
      socket.destroy();
    }
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
