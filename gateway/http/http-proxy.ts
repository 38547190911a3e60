/** Passes requests and WebSockets on to a connection that is there already. The work is httpxy's. */
import { Agent, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { createProxyServer } from 'httpxy';
import { keepCookiesOwn, prepareAnswer } from './forwarded-headers.ts';

export interface Upstream {
  /** Connected to the program in the VM. */
  socket: Duplex;
  /** As the program knows itself; the Host header stays that of the visitor. */
  target: string;
}

/** An answer of which nothing comes, and nothing of its request goes, for so long is given up. */
const STILL_MS = 3_600_000;

/** A program that does not answer whether it takes a WebSocket is given up. */
const UPGRADE_MS = 60_000;
/** A WebSocket has no half: what one side leaves open after the other's end is closed after this time. */
const LINGER_MS = 5000;
/** A visitor whose network is gone says nothing any more, and would count for as long as the system waits. */
const KEEP_ALIVE_MS = 60_000;

/** One connection for one request, so that what an agent counts are users, and no request meets the connection of a machine that went. */
class Dialled extends Agent {
  readonly #socket: Duplex;

  constructor(socket: Duplex) {
    super({ keepAlive: false });
    this.#socket = socket;
  }

  override createConnection(): Duplex {
    return this.#socket;
  }
}

export class HttpProxy {
  readonly #proxy = createProxyServer({ proxyTimeout: STILL_MS, upgradeTimeout: UPGRADE_MS });
  readonly #lingerMs: number;

  /** Only tests set another time. */
  constructor({ lingerMs = LINGER_MS }: { lingerMs?: number } = {}) {
    this.#lingerMs = lingerMs;
    this.#proxy.on('proxyRes', (answer, _request, response) => prepareAnswer(answer, response.shouldKeepAlive));
    this.#proxy.on('proxyReqWs', (asked, _request, socket) => {
      asked.once('response', keepCookiesOwn);
      asked.once('upgrade', (answer, upstream) => {
        keepCookiesOwn(answer);
        tie(socket, upstream);
      });
    });
  }

  /** Resolves when the answer is over, either way. Rejects when the program breaks off before it answers. */
  async pass(request: IncomingMessage, response: ServerResponse, { socket, target }: Upstream): Promise<void> {
    const agent = new Dialled(socket);
    try {
      await this.#proxy.web(request, response, { target, agent });
    } finally {
      socket.destroy();
      agent.destroy();
    }
  }

  /** As {@link pass}, for a WebSocket. */
  async upgrade(
    request: IncomingMessage,
    visitor: Socket,
    { socket, target, head }: Upstream & { head: Buffer },
  ): Promise<void> {
    const agent = new Dialled(socket);
    // Who went away says no more than an end, and neither a program that keeps its side open nor one that never answers hears it.
    const linger = (): void => void setTimeout(() => visitor.destroy(), this.#lingerMs).unref();
    visitor.once('end', linger).once('finish', linger);
    if (visitor.readableEnded || visitor.writableFinished) linger();
    try {
      const passing = this.#proxy.ws(request, visitor, { target, agent }, head);
      // After the proxy's own, which leaves it at two hours.
      visitor.setKeepAlive(true, KEEP_ALIVE_MS);
      await passing;
    } finally {
      socket.destroy();
    }
  }
}

/** When one side is gone there is nothing left for the other. */
function tie(one: Duplex, other: Duplex): void {
  one.once('close', () => other.destroy());
  other.once('close', () => one.destroy());
}
