import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { chatPages, type ChatPage } from './chat-pages.ts';
import { CHAT_LIMITS, cleanName, parseClientMessage, roomOfPath } from './messages.ts';
import { Rooms, type Person } from './rooms.ts';
import { BurstLimit } from './burst-limit.ts';

/** A peer that answers no ping for this long is gone. */
const PING_INTERVAL_MS = 30_000;
const GOING_AWAY = 1001;

const DRAINING_TEXT =
  'This server is finishing its last conversations and takes nobody new. Ask for a new server, or try again later.';

const STARTING_TEXT = 'This server is still starting. Try again in a moment.';

export interface ChatOptions {
  page: ChatPage;
  /** How many people are connected, told after each change. */
  onCount: (connections: number) => void;
  pingIntervalMs?: number;
  /** False: everybody is sent away until {@link ChatServer.open}. */
  isOpen?: boolean;
}

/** A multi-room chat: `/rooms/<room>` by WebSocket, a page for people, and `/healthz`. */
export class ChatServer {
  readonly #webSockets = new WebSocketServer({ noServer: true, maxPayload: CHAT_LIMITS.frameBytes });
  readonly #rooms = new Rooms();
  readonly #options: ChatOptions;
  readonly #pings: NodeJS.Timeout;
  /** Sockets that have not answered the last ping. */
  readonly #unanswered = new WeakSet<WebSocket>();
  #open: boolean;
  #draining = false;
  #guests = 0;

  constructor(options: ChatOptions) {
    this.#options = options;
    this.#open = options.isOpen ?? true;
    this.#pings = setInterval(() => this.#pingAll(), options.pingIntervalMs ?? PING_INTERVAL_MS);
    this.#pings.unref();
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Lets people in. */
  open(): void {
    this.#open = true;
  }

  /** How many WebSockets are open. */
  get count(): number {
    return this.#webSockets.clients.size;
  }

  /** A server of the whole chat, not yet listening; several may serve the same rooms. */
  createServer(): Server {
    const status = (): object => ({ people: this.count, draining: this.#draining });
    const pages = chatPages(this.#options.page, status);
    const server = createServer((request, response) => {
      if (this.#open) pages(request, response);
      else response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8' }).end(`${STARTING_TEXT}\n`);
    });
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    return server;
  }

  /** Refuses newcomers, or takes them again. Those who are here stay and are told. */
  setDraining(draining: boolean): void {
    if (draining === this.#draining) return;
    this.#draining = draining;
    this.#rooms.notifyAll(
      draining
        ? 'This server takes nobody new any more. You can stay; it closes when the last of you has left.'
        : 'This server takes newcomers again.',
    );
  }

  /** Tells everybody, closes their connections and resolves when all are gone, after `graceMs` at the latest. */
  async close(text: string, graceMs: number): Promise<void> {
    clearInterval(this.#pings);
    this.#draining = true;
    this.#rooms.notifyAll(text);
    const open = [...this.#webSockets.clients];
    const allGone = Promise.all(open.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    for (const socket of open) socket.close(GOING_AWAY, 'the server is closing');
    const timer = setTimeout(() => {
      for (const socket of open) socket.terminate();
    }, graceMs);
    await allGone;
    clearTimeout(timer);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const [path = '', query] = (request.url ?? '').split('?', 2);
    const room = roomOfPath(path);
    if (room === undefined) {
      refuse(socket, '404 Not Found', 'Rooms are at /rooms/<name>: 1 to 32 letters, digits, - or _.');
    } else if (!this.#open) {
      refuse(socket, '503 Service Unavailable', STARTING_TEXT);
    } else if (this.#draining) {
      refuse(socket, '503 Service Unavailable', DRAINING_TEXT);
    } else {
      const name = cleanName(new URLSearchParams(query).get('name')) ?? `guest ${++this.#guests}`;
      this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.#welcome(room, name, webSocket);
      });
    }
  }

  #welcome(room: string, name: string, socket: WebSocket): void {
    this.#options.onCount(this.count);
    const person = this.#rooms.enter(room, name, socket);
    const burst = new BurstLimit(CHAT_LIMITS.burstMessages, CHAT_LIMITS.burstSeconds * 1000);
    socket.on('error', () => socket.terminate());
    socket.on('pong', () => this.#unanswered.delete(socket));
    socket.on('message', (data) => this.#hear(person, burst, (data as Buffer).toString('utf8')));
    socket.on('close', () => {
      this.#rooms.leave(person);
      this.#options.onCount(this.count);
    });
  }

  #hear(person: Person, burst: BurstLimit, frame: string): void {
    if (!burst.admits(performance.now())) {
      this.#rooms.notify(person, 'That was too fast: this message was not sent. Wait a few seconds.');
      return;
    }
    try {
      const { text } = parseClientMessage(frame);
      this.#rooms.say(person.room, { type: 'message', from: person.name, text });
    } catch (error) {
      this.#rooms.notify(person, (error as Error).message);
    }
  }

  #pingAll(): void {
    for (const socket of this.#webSockets.clients) {
      if (this.#unanswered.has(socket)) {
        socket.terminate();
      } else {
        this.#unanswered.add(socket);
        socket.ping();
      }
    }
  }
}

function refuse(socket: Duplex, status: string, text: string): void {
  const body = `${text}\n`;
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
