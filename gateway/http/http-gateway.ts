/** HTTP and WebSockets to VMs. */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { hostPort } from '../../lib/network/host-port.ts';
import { admitByLink, OPEN_TO_ALL, type Admission } from '../access/admission.ts';
import { linkCookie } from '../access/link-cookie.ts';
import type { LinkKeys } from '../access/link-keys.ts';
import type { GatewayMeter } from '../gateway-meter.ts';
import { Refused, refusal, type Refusal } from '../refusal.ts';
import type { ConnectionCounts } from '../vms/connection-counts.ts';
import type { Patience, Visit, Ways } from '../vms/ways.ts';
import { isWebSocket, prepareRequest } from './forwarded-headers.ts';
import type { HttpProxy } from './http-proxy.ts';
import { refusalPage, wantsPage } from './pages.ts';
import { askedFor, isOfForeignPage, type AskedFor, type Site } from './visit.ts';

/** What is no browser's look at a page waits so long for a VM that wakes. */
const WAIT_SECONDS = 60;
const PATIENT: Patience = { waitSeconds: WAIT_SECONDS, wakes: true };

export interface HttpGatewayParts {
  site: Site;
  access: 'links' | 'open';
  ways: Ways;
  counts: ConnectionCounts;
  links: Pick<LinkKeys, 'verify'>;
  proxy: HttpProxy;
  meter: Pick<GatewayMeter, 'passes' | 'refuses'>;
  log: Pick<Logger, 'error'>;
}

/** A connection to the VM that was asked for, counted until `release`. */
interface Passed {
  socket: Duplex;
  target: string;
  release: () => void;
}

export class HttpGateway {
  readonly #parts: HttpGatewayParts;

  constructor(parts: HttpGatewayParts) {
    this.#parts = parts;
  }

  /** Answers a request, with the program in the VM or a page of its own. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const asked = askedFor(request, this.#parts.site);
      const admission = await this.#admit(request, asked);
      const { claims } = admission;
      if (asked.token !== undefined && claims !== undefined && isLook(request)) {
        const { isSecure } = this.#parts.site;
        const seconds = (claims.expiresAt - Date.now()) / 1000;
        response.writeHead(302, {
          location: oneSlash(asked.path),
          'set-cookie': linkCookie(asked.token, { isSecure, seconds }),
          'cache-control': 'no-store',
          'referrer-policy': 'no-referrer',
        });
        response.end();
        return;
      }
      await this.#pass(request, response, { asked, admission, gone: gone.signal });
    } catch (error) {
      this.#refuse(request, response, this.#why(error));
    }
  }

  /** The same for a WebSocket. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const gone = new AbortController();
    socket.once('close', () => gone.abort());
    // Until something else listens: one that goes while its VM wakes is no mishap.
    const ignore = (): void => undefined;
    socket.on('error', ignore);
    try {
      const asked = askedFor(request, this.#parts.site);
      if (!isWebSocket(request.headers) || request.method !== 'GET') throw new Refused(refusal('notWebSocket'));
      const admission = await this.#admit(request, asked);
      const passed = await this.#connect('webSocket', visitOf(asked, admission, gone.signal), PATIENT);
      const stop = endWithLink(admission, () => socket.destroy());
      try {
        this.#prepare(request, asked, admission);
        // The server's are those of TCP or TLS.
        if (!(socket instanceof Socket)) throw new Error('the visitor has no socket');
        await this.#parts.proxy.upgrade(request, socket, { ...passed, head });
      } finally {
        stop();
        passed.release();
      }
    } catch (error) {
      if (!socket.writable) return void socket.destroy();
      const why = this.#why(error);
      this.#parts.meter.refuses('webSocket', why.code);
      const { status, headers, body } = refusalPage(why, { forPeople: false, host: '' });
      const lines = Object.entries({ ...headers, connection: 'close', 'content-length': Buffer.byteLength(body) });
      const head = lines.map(([name, value]) => `${name}: ${String(value)}\r\n`).join('');
      // A visitor that leaves its half open would hold the connection for ever.
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${head}\r\n${body}`, () => socket.destroy());
    }
  }

  async #admit(request: IncomingMessage, asked: AskedFor): Promise<Admission> {
    const { access, links, site } = this.#parts;
    if (access === 'open') return OPEN_TO_ALL;
    if (asked.token !== undefined) return admitByLink(links, asked, [asked.token]);
    if (isOfForeignPage(request, asked, site)) throw new Refused(refusal('foreignPage'));
    return admitByLink(links, asked, asked.tokens);
  }

  async #pass(
    request: IncomingMessage,
    response: ServerResponse,
    { asked, admission, gone }: { asked: AskedFor; admission: Admission; gone: AbortSignal },
  ): Promise<void> {
    const isPrefetch = (request.headers['sec-purpose'] ?? request.headers['purpose'] ?? '').includes('prefetch');
    const waitSeconds = wantsPage(request) || isPrefetch ? 0 : WAIT_SECONDS;
    const patience = { waitSeconds, wakes: !isPrefetch };
    const passed = await this.#connect('http', visitOf(asked, admission, gone), patience);
    const stop = endWithLink(admission, () => response.destroy());
    try {
      this.#prepare(request, asked, admission);
      await this.#parts.proxy.pass(request, response, passed);
    } finally {
      stop();
      passed.release();
    }
  }

  /** @throws Refused. */
  async #connect(kind: 'http' | 'webSocket', visit: Visit, patience: Patience): Promise<Passed> {
    const { ways, counts, meter } = this.#parts;
    const { vm, address, socket } = await ways.reach(visit, patience);
    try {
      const leave = counts.open(vm);
      const over = meter.passes(kind, socket);
      const release = (): void => {
        leave();
        over();
      };
      return { socket, target: `http://${hostPort(address.ip, address.port)}`, release };
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  #prepare(request: IncomingMessage, asked: AskedFor, { claims }: Admission): void {
    request.url = asked.path;
    const { isSecure } = this.#parts.site;
    prepareRequest(request, { isSecure, cookies: asked.cookies, user: claims?.user });
  }

  #why(error: unknown): Refusal {
    if (error instanceof Refused) return error.refusal;
    const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
    // The program broke off, or spoke no HTTP; anything else is a fault of ours.
    if (!/^(E[A-Z]+|HPE_\w+)$/.test(code)) this.#parts.log.error({ err: error }, 'a request was not passed on');
    return refusal('appUnreachable');
  }

  #refuse(request: IncomingMessage, response: ServerResponse, why: Refusal): void {
    if (response.headersSent || response.destroyed) return void response.destroy();
    this.#parts.meter.refuses('http', why.code);
    const forPeople = wantsPage(request);
    const { status, headers, body } = refusalPage(why, { forPeople, host: request.headers.host ?? '' });
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    // What is left of a body is not read: the next request on this connection would be somewhere in it.
    const connection = request.complete ? {} : { connection: 'close' };
    response.writeHead(status, { ...headers, ...connection, 'content-length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? undefined : body);
  }
}

/** The longest that a timer takes. */
const MOST_TIMER_MS = 2 ** 31 - 1;

/** What a link let in ends when the link does, until the returned function is called. */
function endWithLink({ claims }: Admission, end: () => void): () => void {
  if (claims === undefined) return () => undefined;
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const leftMs = claims.expiresAt - Date.now();
    if (leftMs <= 0) end();
    else timer = setTimeout(wait, Math.min(leftMs, MOST_TIMER_MS)).unref();
  };
  wait();
  return () => clearTimeout(timer);
}

/** What can be shown elsewhere and asked again. */
function isLook({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** With two slashes it would be another host's. */
function oneSlash(path: string): string {
  return path.replace(/^[/\\]+/, '/');
}

function visitOf({ port, name, project }: AskedFor, { admits }: Admission, gone: AbortSignal): Visit {
  return { port, name, project, admits, gone };
}
