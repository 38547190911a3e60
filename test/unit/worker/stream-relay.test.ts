/** A stream whose VM reads nothing, over a real WebSocket. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { relayStream } from '../../../streams/stream-relay.ts';

it('ends soon after the API is gone, though nothing of it is read any more', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const reset = vi.fn();
  const write = vi.fn();
  server.on('connection', (webSocket) =>
    relayStream(webSocket, {
      open: (_request, { opened }) => {
        opened?.();
        return { write, reset, end: () => undefined, consumed: () => undefined };
      },
      pingMs: 50,
    }),
  );
  const api = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await once(api, 'open');
  api.send(JSON.stringify({ open: { kind: 'port', port: 80, countsAsConnection: false } }));
  await once(api, 'message');
  for (let sent = 0; sent < 100; sent += 1) api.send(Buffer.alloc(16 * 1024));
  await vi.waitFor(() => expect(write).toHaveBeenCalled());
  api.terminate();
  await vi.waitFor(() => expect(reset).toHaveBeenCalledWith(expect.objectContaining({ code: 'cancelled' })), 5000);
  server.close();
});
