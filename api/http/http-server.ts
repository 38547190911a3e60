import { createServer, STATUS_CODES, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Duplex } from 'node:stream';

export interface HttpLimits {
  /** Request line and headers together. */
  maxHeaderBytes: number;
  /** A client that has not sent its headers by then, or its whole request, is cut off. */
  headersTimeoutMs: number;
  requestTimeoutMs: number;
  /** How often that is looked for. */
  checkMs: number;
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

/**
 * A server on which no client can hold a connection by sending slowly, or much. With a certificate it speaks https alone.
 * @throws when certificate and key cannot be used or do not belong together
 */
export function createHttpServer(
  app: RequestListener,
  { limits = HTTP_LIMITS, certificate = null }: { limits?: HttpLimits; certificate?: Certificate | null } = {},
): Server | TlsServer {
  const options = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: limits.checkMs,
  };
  if (certificate === null) return createServer(options, app).on('clientError', answerBadHttp);
  const tls = { ...options, ...certificate, handshakeTimeout: limits.headersTimeoutMs };
  return createTlsServer(tls, app).on('clientError', answerBadHttp);
}

const STATUS_OF: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** What is not even HTTP gets a plain answer: no route and no request id exist for it. */
function answerBadHttp(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = STATUS_OF[error.code ?? ''] ?? 400;
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
