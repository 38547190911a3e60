import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Response } from 'express';
import { expect, it, vi } from 'vitest';
import { acceptUpgrade, serveUpgrades } from '../../../api/http/upgrade.ts';
import { createHttpServer } from '../../../lib/network/http-server.ts';

it('who is refused a WebSocket holds no connection, also by leaving its half of it open', async () => {
  const app: RequestListener = (_request, response) => response.writeHead(401).end('no key');
  const server = createHttpServer(app);
  serveUpgrades(server, app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const atServer = once(server, 'connection') as Promise<[NodeJS.EventEmitter]>;
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => undefined);
  client.write(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  const [held] = await atServer;
  const closed = once(held, 'close');
  const [answer] = (await once(client, 'data')) as [Buffer];
  expect(answer.toString()).toContain('401');
  await closed;
  client.destroy();
  server.close();
});

it('a route hears of who asks in no proper way, for whom it may have opened something', async () => {
  const taken: ('made' | 'not made')[] = [];
  const server = createServer();
  serveUpgrades(server, (request, response) => {
    acceptUpgrade(request, Object.assign(response, { locals: {} }) as Response, (webSocket) => {
      taken.push(webSocket === undefined ? 'not made' : 'made');
      webSocket?.terminate();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  for (const key of ['Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n', '']) {
    const before = taken.length;
    const client = connect(port, '127.0.0.1').on('error', () => undefined);
    client.write(
      `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n${key}\r\n`,
    );
    await vi.waitFor(() => expect(taken).toHaveLength(before + 1), { timeout: 8000 });
    client.destroy();
  }
  expect(taken).toEqual(['made', 'not made']);
  server.close();
});
