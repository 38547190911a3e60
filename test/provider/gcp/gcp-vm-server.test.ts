/** vm-server on a Compute Engine instance, as a real process; the test plays the metadata server and the API. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startVmServer } from '../../../test-support/vm-server-processes.ts';

interface Posted {
  path: string;
  body: Record<string, unknown>;
  authorization: string | undefined;
}

let server: Server;
let url: string;
let posted: Posted[];
let attributes: Record<string, string>;

beforeEach(async () => {
  posted = [];
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (request.method === 'POST') {
      void json(request).then((body) => {
        const { authorization } = request.headers;
        posted.push({ path: pathname, body: body as Record<string, unknown>, authorization });
        const reply = { token: 'report-token', nextReportSeconds: 1, forwarded: null, draining: false };
        response.setHeader('content-type', 'application/json').end(JSON.stringify(reply));
      });
      return;
    }
    const value = pathname.endsWith('/identity')
      ? `identity-for-${searchParams.get('audience') ?? ''}`
      : attributes[pathname.split('/').at(-1) ?? ''];
    if (value === undefined || request.headers['metadata-flavor'] !== 'Google') response.writeHead(404);
    response.end(value);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ports = [{ name: 'http', port: 8080, protocol: 'tcp' }];
  attributes = {
    'ephemera-api-url': url,
    'ephemera-machine': JSON.stringify({ ports }),
    'ephemera-environment': JSON.stringify({ CHAT_TITLE: 'Lounge' }),
  };
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

async function runs(host: string): Promise<void> {
  const localPort = `${20_000 + (process.pid % 20_000)}`;
  await startVmServer('gce', '--metadata-url', url, '--host', host, '--local-port', localPort);
  await vi.waitFor(async () => expect(await (await fetch(`http://${host}:8080/`)).text()).toContain('Lounge'), 10_000);
  await vi.waitFor(() => expect(posted.some(({ path }) => path === '/v1/agent/report')).toBe(true), 10_000);
}

it('serves the chat, proves itself with the identity of its instance and reports', async () => {
  attributes['ephemera-agent-binding'] = 'the-binding';
  await runs('127.90.1.1');
  expect(posted[0]).toMatchObject({
    path: '/v1/agent/exchange',
    body: { secret: `gce the-binding identity-for-${url}` },
  });
  expect(posted[1]).toMatchObject({
    path: '/v1/agent/report',
    body: { connections: 0, ready: true },
    authorization: 'Bearer report-token',
  });
});

it('takes the one-time secret where the deployment gives its machines no identity', async () => {
  attributes['ephemera-agent-secret'] = 'one-time';
  await runs('127.90.1.2');
  expect(posted[0]).toMatchObject({ path: '/v1/agent/exchange', body: { secret: 'one-time' } });
});
