/** A client of the API's WebSockets to a VM, as a user would write one. */
import { once } from 'node:events';
import { WebSocket } from 'ws';

export interface Target {
  url: string;
  key: string;
}

/** What was heard on a WebSocket, and how it ended. */
export class StreamClient {
  readonly socket: WebSocket;
  readonly messages: Record<string, unknown>[] = [];
  readonly chunks: Buffer[] = [];
  bytes = 0;
  closed: { code: number; reason: string } | undefined;
  private readonly changed: (() => void)[] = [];

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data, isBinary) => {
      if (isBinary) {
        this.chunks.push(data as Buffer);
        this.bytes += (data as Buffer).length;
      } else this.messages.push(JSON.parse((data as Buffer).toString()) as Record<string, unknown>);
      this.tell();
    });
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.tell();
    });
  }

  /** Rejects with the problem that the API answered instead. */
  static async open({ url, key }: Target, path: string): Promise<StreamClient> {
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, {
      headers: { authorization: `Bearer ${key}` },
    });
    const client = new StreamClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve());
      socket.once('error', reject);
      socket.once('unexpected-response', (_request, answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        answer.on('end', () => reject(Object.assign(new Error(text), JSON.parse(text) as { code: string })));
      });
    });
    return client;
  }

  /** All bytes heard, without the byte in front of each message where there is one. */
  text(firstByte?: number): string {
    const chunks = firstByte === undefined ? this.chunks : this.chunks.filter((chunk) => chunk[0] === firstByte);
    return Buffer.concat(firstByte === undefined ? chunks : chunks.map((chunk) => chunk.subarray(1))).toString();
  }

  say(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Standard input of a command. */
  type(text: string): void {
    this.socket.send(Buffer.concat([Buffer.of(0), Buffer.from(text)]));
  }

  /** Resolves once it is so. */
  async until(what: string, isSo: (client: this) => boolean, timeoutMs = 30_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!isSo(this)) {
      const left = deadline - Date.now();
      const last = `${JSON.stringify(this.messages.slice(-3))} ${this.bytes} bytes ${JSON.stringify(this.closed)}`;
      if (left <= 0) throw new Error(`never saw: ${what}; ${last} ${this.text().slice(-300)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.changed.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async close(): Promise<void> {
    if (this.closed !== undefined) return;
    this.socket.resume();
    this.socket.close();
    await once(this.socket, 'close');
  }

  private tell(): void {
    for (const wake of this.changed.splice(0)) wake();
  }
}
