/**
 * Byte streams that do not belong in histories: `GET /internal/machines/<machineId>/console` for the API alone, and `…/stream`, a
 * WebSocket to the agent of the machine (streams/stream-relay.ts); machine images for other hosts (worker/host/images/image-requests.ts).
 * The bearer is this host's own (security/hosts/host-bearer.ts). The header {@link CONSOLE_OWNER_HEADER} names the owner that asks.
 */
import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { STATUS_CODES, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { WebSocketServer, type WebSocket } from 'ws';
import { MAX_STREAM_MESSAGE_BYTES } from '../../domain/host/stream-messages.ts';
import { createHttpServer, type HttpLimits } from '../../lib/network/http-server.ts';
import type { ImageCopies } from '../../domain/machine/provider.ts';
import type { InternalIdentity } from '../../security/hosts/internal-identity.ts';
import { answerImageRequest, type Asker } from './images/image-requests.ts';
import { CONSOLE_OWNER_HEADER, CONSOLE_VM_HEADER } from '../../domain/wire-names.ts';

const CONSOLE_BYTES = 64 * 1024;
const STREAM_PATH = /^\/internal\/machines\/([a-z0-9-]{1,64})\/stream$/;
/** Streams to all machines of a host. */
const MOST_STREAMS = 1000;
const CONSOLE_PATH = /^\/internal\/machines\/([a-z0-9-]{1,64})\/console$/;

export interface InternalServerOptions {
  host: string;
  /** 0 takes any free port. */
  port: number;
  token: string;
  /** What another host says, for machine images alone. */
  peerToken: string;
  /** Machine images that this host has. */
  copies: readonly ImageCopies[];
  /** The key by which the API knows this host, and a certificate around it; PEM. */
  identity: Pick<InternalIdentity, 'key' | 'cert'>;
  /** The end of a machine's console, or undefined when this host keeps none of that owner's. */
  readConsole: (machineId: string, maxBytes: number, owner: string) => Promise<Uint8Array | undefined>;
  /** Takes a WebSocket for a stream to a machine of that owner. */
  takeStream: (machine: { machineId: string; owner: string }, webSocket: WebSocket) => void;
  log: Logger;
  /** Others than the usual ones; only tests set them. */
  limits?: HttpLimits;
}

export interface InternalServer {
  port: number;
  close: () => Promise<void>;
}

/**
 * The API asks one short question on each connection. Anybody may open one, so those that ask nothing are few and short:
 * they can keep consoles from being read, and take no more of the host than this.
 */
const LIMITS: HttpLimits = {
  ...{ maxHeaderBytes: 8 * 1024, headersTimeoutMs: 5000, requestTimeoutMs: 5000, checkMs: 1000 },
  maxConnections: 128,
};

/** Rejects with a message that names the setting when the port is taken. */
export async function startInternalServer(options: InternalServerOptions): Promise<InternalServer> {
  const { identity, limits = LIMITS } = options;
  const { key, cert } = identity;
  const app: RequestListener = (request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      options.log.error({ err: error }, 'an internal request failed');
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  };
  const server = createHttpServer(app, { limits, certificate: { key, cert }, minVersion: 'TLSv1.3' });
  server.maxRequestsPerSocket = 1;
  const streams = acceptStreams(server, options);
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      streams.terminate();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function listen(server: Server, { host, port }: InternalServerOptions): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the internal endpoint cannot listen (${why}); set EPHEMERA_INTERNAL_PORT to a free port`, {
      cause,
    });
  }
}

async function answer(
  options: InternalServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const asker = askerOf(request, options);
  if (asker === undefined) {
    end(response, 401, NO_TOKEN);
    return;
  }
  if (await answerImageRequest(options.copies, { asker, request, response })) return;
  if (asker !== 'api') {
    end(response, 403, 'other hosts get machine images alone');
    return;
  }
  const machineId = CONSOLE_PATH.exec(request.url ?? '')?.[1];
  if (machineId === undefined) {
    end(response, 404, 'no such page');
    return;
  }
  if (request.method !== 'GET') {
    end(response, 405, 'only GET');
    return;
  }
  const owner = ownerIn(request);
  const text = owner === undefined ? undefined : await options.readConsole(machineId, CONSOLE_BYTES, owner);
  if (text === undefined) {
    end(response, 404, 'no console is kept');
    return;
  }
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(text);
}

function askerOf(request: IncomingMessage, { token, peerToken }: InternalServerOptions): Asker | undefined {
  if (isAuthorized(request, token)) return 'api';
  return isAuthorized(request, peerToken) ? 'peer' : undefined;
}

const NO_TOKEN = 'no valid token';

function acceptStreams(server: Server, options: InternalServerOptions): { terminate: () => void } {
  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_STREAM_MESSAGE_BYTES,
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined);
    const machineId = STREAM_PATH.exec(request.url ?? '')?.[1];
    const owner = ownerIn(request);
    if (!isAuthorized(request, options.token)) refuse(socket, 401, NO_TOKEN);
    else if (machineId === undefined || owner === undefined) refuse(socket, 404, 'no such page');
    else if (webSockets.clients.size >= MOST_STREAMS) refuse(socket, 503, 'this host has too many streams');
    else {
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        // The places of connections are for those who prove nothing yet.
        server.maxConnections += 1;
        webSocket.once('close', () => (server.maxConnections -= 1));
        options.takeStream({ machineId, owner }, webSocket);
      });
    }
  });
  return { terminate: () => webSockets.clients.forEach((client) => client.terminate()) };
}

function refuse(socket: Duplex, status: number, why: string): void {
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: ${why.length}\r\n\r\n`;
  // Who was refused does not hold one of the few places by leaving its half open.
  socket.end(head + why, () => socket.destroy());
}

function ownerIn({ headers }: IncomingMessage): string | undefined {
  return (headers[CONSOLE_OWNER_HEADER] ?? headers[CONSOLE_VM_HEADER])?.toString();
}

function isAuthorized(request: IncomingMessage, token: string): boolean {
  const expected = Buffer.from(`Bearer ${token}`);
  const presented = Buffer.from(request.headers.authorization ?? '');
  return presented.length === expected.length && timingSafeEqual(presented, expected);
}

function end(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${why}\n`);
}
