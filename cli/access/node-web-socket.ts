/** WebSockets of the package `ws`, which say why they were refused. */
import { WebSocket } from 'ws';
import { StreamError, type WebSocketLike } from '../../client/ephemera.ts';

const HANDSHAKE_TIMEOUT_MS = 30_000;

export function nodeWebSocket(url: string, headers: Readonly<Record<string, string>>): WebSocketLike {
  const socket = new WebSocket(url, { headers, handshakeTimeout: HANDSHAKE_TIMEOUT_MS, perMessageDeflate: false });
  socket.on('unexpected-response', (request, response) => {
    let text = '';
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    response.on('end', () => {
      socket.emit('error', refusalIn(text, response.statusCode ?? 0));
      request.destroy();
    });
  });
  return socket as unknown as WebSocketLike;
}

function refusalIn(text: string, status: number): StreamError {
  try {
    const { detail, code } = JSON.parse(text) as { detail?: string; code?: string };
    if (typeof detail === 'string') return new StreamError(detail, { code, status });
  } catch {
    // Something other than the API answered.
  }
  return new StreamError(`the WebSocket was answered ${status}`, { status });
}
