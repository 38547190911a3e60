import type { WebSocket } from 'ws';

const PING_MS = 15_000;

/**
 * Notices that the other end is gone also while nobody reads: what is paused hears of no end, but what is written to who is gone
 * fails, the second time at the latest.
 */
export function noticeEndByPings(webSocket: WebSocket, everyMs = PING_MS): void {
  const timer = setInterval(() => {
    if (webSocket.readyState === webSocket.OPEN) webSocket.ping();
  }, everyMs).unref();
  webSocket.once('close', () => clearInterval(timer));
}
