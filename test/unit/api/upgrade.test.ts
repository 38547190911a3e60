import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { serveUpgrades } from '../../../api/http/upgrade.ts';
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
