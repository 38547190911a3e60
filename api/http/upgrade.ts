/** Requests for a WebSocket go the way of every other: log, key, limits, validation, audit; only their answer is one. */
import { ServerResponse, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Response } from 'express';
import { WebSocketServer, type WebSocket } from 'ws';
import { noticeEndByPings } from '../../lib/network/web-socket-pings.ts';
import { factsOf } from './log/request-log.ts';

/** Longest message of a client. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** A client whose computer is gone closes nothing. */
const KEEP_ALIVE_MS = 15_000;

const WEB_SOCKETS = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });
const UPGRADES = new WeakMap<IncomingMessage, { socket: Socket; head: Buffer }>();

export function serveUpgrades(server: Server, app: RequestListener): void {
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => undefined);
    if (request.method !== 'GET' || request.headers.upgrade?.toLowerCase() !== 'websocket') {
      serveWithoutUpgrade(server, request, socket, head);
      return;
    }
    UPGRADES.set(request, { socket, head });
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    // Nobody reads it any more, and a client that keeps its half open would hold it for ever.
    response.once('finish', () => socket.destroySoon());
    app(request, response);
  });
}

export function asksForWebSocket(request: IncomingMessage): boolean {
  return UPGRADES.has(request);
}

/** The response ends with the connection, and is in the log then. Undefined: the client asks in no proper way. */
export function acceptUpgrade(
  request: IncomingMessage,
  response: Response,
  take: (webSocket: WebSocket | undefined) => void,
): void {
  const upgrade = UPGRADES.get(request);
  if (upgrade === undefined) throw new Error('a request that does not ask for it was given a WebSocket');
  const { socket, head } = upgrade;
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  const outcome = { isMade: false };
  WEB_SOCKETS.handleUpgrade(request, socket, head, (webSocket) => {
    outcome.isMade = true;
    factsOf(response).upgraded = true;
    noticeEndByPings(webSocket);
    webSocket.on('error', () => webSocket.terminate());
    take(webSocket);
  });
  if (!outcome.isMade) take(undefined);
}

/** Some clients offer HTTP/2 with each request: as good as unsaid, which Node takes for the end of HTTP. */
function serveWithoutUpgrade(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request;
  const lines = [`${method ?? 'GET'} ${url ?? '/'} HTTP/${httpVersion}`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (!/^(upgrade|connection|http2-settings)$/i.test(name)) lines.push(`${name}: ${rawHeaders[at + 1] ?? ''}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket);
}
