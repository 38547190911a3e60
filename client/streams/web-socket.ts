/** What the client needs of a WebSocket: that of browsers, Node 22 and Bun, or the one of the package `ws`. */

export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  send: (data: string | Uint8Array<ArrayBuffer>) => void;
  close: (code?: number, reason?: string) => void;
  addEventListener: (type: 'open' | 'message' | 'close' | 'error', listener: (event: never) => void) => void;
  /** Of `ws`: nothing more is read from the network until `resume`. */
  pause?: () => void;
  resume?: () => void;
}

/** Opens one with headers, which browsers do not allow; refused ones may reject with why. */
export type OpenWebSocket = (url: string, headers: Readonly<Record<string, string>>) => WebSocketLike;

/** How much may wait to be sent before a writer is asked to wait. */
const HIGH_WATER_BYTES = 1024 * 1024;
const DRAIN_POLL_MS = 10;

/** The global WebSocket, to which headers are given where the platform takes them (Node 22, Bun). */
export const globalWebSocket: OpenWebSocket = (url, headers) => {
  const { WebSocket } = globalThis as unknown as { WebSocket?: new (url: string, options?: object) => WebSocketLike };
  if (WebSocket === undefined) {
    throw new Error('this platform has no WebSocket: give the client one, `webSocket` of its options');
  }
  const isBrowser = 'document' in globalThis;
  return isBrowser ? new WebSocket(url) : new WebSocket(url, { headers });
};

/** Resolves once so little waits to be sent that more may be written. */
export async function untilSent(socket: WebSocketLike, isOpen: () => boolean): Promise<void> {
  while (socket.bufferedAmount > HIGH_WATER_BYTES && isOpen()) {
    await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
  }
}
