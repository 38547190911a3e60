import { createServer, STATUS_CODES, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import type { SecureVersion } from 'node:tls';

export interface HttpLimits {
  /** Request line and headers together. */
  maxHeaderBytes: number;
  /** A client that has not sent its headers by then, or its whole request, is cut off. */
  headersTimeoutMs: number;
  requestTimeoutMs: number;
  /** How often that is looked for. */
  checkMs: number;
  /** Those that come when so many are open are cut off at once; absent: as many as the system has. */
  maxConnections?: number;
}

const HTTP_LIMITS: HttpLimits = {
  maxHeaderBytes: 16 * 1024,
  headersTimeoutMs: 20_000,
  requestTimeoutMs: 30_000,
  checkMs: 5000,
};

/** A certificate with its key, both as PEM. */
export interface Certificate {
  cert: string;
  key: string;
}

export interface HttpServerOptions {
  /** Others than those of the API. */
  limits?: HttpLimits;
  certificate?: Certificate | null;
  /** Of TLS; absent: what Node takes. */
  minVersion?: SecureVersion;
}

/**
 * A server on which no client can hold a connection by sending slowly, or much. With a certificate it speaks https alone.
 * @throws when certificate and key cannot be used or do not belong together
 */
export function createHttpServer(
  app: RequestListener,
  { limits = HTTP_LIMITS, certificate = null, minVersion }: HttpServerOptions = {},
): Server | TlsServer {
  const options = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    // By a timer of our own, so that a request may be let off.
    requestTimeout: 0,
    connectionsCheckingInterval: limits.checkMs,
  };
  const tls = {
    ...{ ...certificate, handshakeTimeout: limits.headersTimeoutMs },
    ...(minVersion === undefined ? {} : { minVersion }),
  };
  const server = certificate === null ? createServer(options, app) : createTlsServer({ ...options, ...tls }, app);
  if (limits.maxConnections !== undefined) server.maxConnections = limits.maxConnections;
  const { requestTimeoutMs } = limits;
  if (requestTimeoutMs > 0) {
    server.prependListener('request', (request: IncomingMessage) => limitBody(request, requestTimeoutMs));
  }
  return server.on('clientError', answerBadHttp);
}

const BODY_LIMITS = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/** A body may take its time: whoever reads it sees to it that it comes at all. */
export function letBodyTakeLong(request: IncomingMessage): void {
  clearTimeout(BODY_LIMITS.get(request));
}

function limitBody(request: IncomingMessage, ms: number): void {
  const { headers, socket } = request;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
  const cut = (): void => {
    if (!request.complete) answerBadHttp({ name: '', message: '', code: 'ERR_HTTP_REQUEST_TIMEOUT' }, socket);
  };
  const timer = setTimeout(cut, ms).unref();
  BODY_LIMITS.set(request, timer);
  request.once('close', () => clearTimeout(timer));
}

const STATUS_OF: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/**
 * What is not even HTTP gets a plain answer: no route and no request id exist for it. An answer to who has not finished
 * its TLS handshake would wait for the end of that, and hold the connection for as long.
 */
function answerBadHttp({ code = '' }: NodeJS.ErrnoException, socket: Duplex): void {
  if (!/^(HPE_|ERR_HTTP_)/.test(code) || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = STATUS_OF[code] ?? 400;
  const answer = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
  // A client that keeps its half open would hold the connection for ever: nobody looks for one whose headers came.
  socket.end(answer, () => socket.destroy());
}
