/** A connection to a port of a VM through the API and the VM's agent, for VMs whose address is on the loopback of another computer. */
import { Duplex } from 'node:stream';
import { WebSocket, type RawData } from 'ws';

const CONNECT_MS = 10_000;
const DONE = 1000;
const END = JSON.stringify({ type: 'end' });

/** Rejects where the API does not connect. `url` is that of the API. */
export function dialThroughAgent(
  url: string,
  key: string,
  { name, port }: { name: string; port: number },
): Promise<Duplex> {
  const path = new URL(`${url}/v1/vms/${name}/ports/${port}`);
  path.protocol = path.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(path, {
    headers: { authorization: `Bearer ${key}` },
    handshakeTimeout: CONNECT_MS,
    perMessageDeflate: false,
  });
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.removeListener('error', reject);
      resolve(new AgentStream(socket));
    });
    socket.once('error', reject);
  });
}

/** Bytes are binary messages, and a text message says that its sender sends nothing more (docs/access.md). */
class AgentStream extends Duplex {
  readonly #socket: WebSocket;
  #hasEnded = false;
  /** As a socket counts: what came from the VM, and what went to it. */
  bytesRead = 0;
  bytesWritten = 0;

  constructor(socket: WebSocket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on('message', (data, isBinary) => {
      if (!isBinary) this.#hear(data);
      else {
        this.bytesRead += (data as Buffer).length;
        if (!this.push(data)) socket.pause();
      }
    });
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', (code) => {
      if (this.#hasEnded) return;
      if (code === DONE) this.#end();
      else this.destroy(Object.assign(new Error('the stream to the VM broke off'), { code: 'ECONNRESET' }));
    });
  }

  /** What Node and the proxy say to sockets: the API keeps these connections in order. */
  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.bytesWritten += chunk.length;
    this.#socket.send(chunk, { binary: true }, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(END, done);
    else done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#hasEnded = true;
    // A paused socket would never see the end of its own closing.
    this.#socket.resume();
    if (error === null) this.#socket.close(DONE);
    else this.#socket.terminate();
    done(error);
  }

  #hear(data: RawData): void {
    const text = Buffer.isBuffer(data) ? data.toString('utf8') : '';
    if (text === END) this.#end();
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.push(null);
  }
}
