/** A WebSocket to the internal endpoint of a host. */
import { WebSocket } from 'ws';
import { connectPinned, type PinnedEndpoint } from '../../security/hosts/pinned-connection.ts';

/** A peer whose computer is gone closes nothing. */
const KEEP_ALIVE_MS = 15_000;

export interface PinnedUpgrade extends PinnedEndpoint {
  path: string;
  headers: Record<string, string>;
  /** Ends the connection until it is a WebSocket. */
  signal: AbortSignal;
  maxPayload: number;
}

/** The WebSocket, or the status with which it was refused. @throws OtherKey, or the system's error. */
export async function pinnedWebSocket(asked: PinnedUpgrade): Promise<WebSocket | number> {
  const { address, path, headers, maxPayload } = asked;
  const { socket, release, close } = await connectPinned(asked);
  try {
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const webSocket = new WebSocket(`ws://${address}${path}`, {
      ...{ headers, maxPayload, perMessageDeflate: false, createConnection: () => socket },
    });
    const answer = await opened(webSocket);
    release();
    return answer;
  } catch (error) {
    close();
    throw error;
  }
}

function opened(webSocket: WebSocket): Promise<WebSocket | number> {
  return new Promise((resolve, reject) => {
    webSocket.on('error', reject);
    webSocket.once('open', () => resolve(webSocket));
    webSocket.once('unexpected-response', (sent, answer) => {
      sent.destroy();
      resolve(answer.statusCode ?? 0);
    });
  });
}
