import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runInNewContext } from 'node:vm';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendMessage } from '../../../api/webhooks/send-message.ts';
import { testMessage } from '../../../domain/webhook/message.ts';
import { rangesOf } from '../../../lib/network/public-address.ts';

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const MESSAGE = testMessage('test_1', '2026-11-30T06:00:00.000Z');
const gone = new AbortController().signal;

let server: Server;
let port = 0;
const received: { headers: IncomingHttpHeaders; body: string }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.once('end', () => {
      received.push({ headers: request.headers, body });
      response.writeHead(200);
      // More than anybody reads of it.
      if (request.url === '/long') for (let index = 0; index < 100; index += 1) response.write('x'.repeat(16_384));
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const send = (url: string, privateTargets: string[] = ['127.0.0.1']) =>
  sendMessage({ url, secret: SECRET }, MESSAGE, { privateTargets: rangesOf(privateTargets), gone });

type Verified = (secret: string, headers: unknown, body: string) => unknown;

/** The function that docs/webhooks.md shows. */
function documented(): Verified {
  const [, code = ''] = /```js\n([^]*?)```/.exec(readFileSync('docs/webhooks.md', 'utf8')) ?? [];
  const script = code.replace(/^import .*$/m, '').replace('export function', 'function');
  return runInNewContext(`${script}; verified`, { Webhook }) as Verified;
}

describe('a message', () => {
  it('is verified as docs/webhooks.md shows, and nothing else is', async () => {
    expect(await send(`http://127.0.0.1:${port}/hook`)).toEqual({ delivered: true, status: 200 });
    const { headers, body } = received.at(-1)!;
    expect(documented()(SECRET, headers, body)).toEqual({
      ...{ type: 'webhook.test', timestamp: MESSAGE.at, data: { id: 'test_1' } },
    });
    expect(headers['webhook-id']).toBe('test_1');
    expect(() => documented()(SECRET, headers, body.replace('test_1', 'test_2'))).toThrow();
    expect(() => documented()(`${SECRET.slice(0, -4)}AAAA`, headers, body)).toThrow();
  });

  it('goes nowhere that is not allowed, whatever was said when the webhook was made', async () => {
    const before = received.length;
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '0.0.0.0', '2130706433']) {
      const { delivered, detail } = await send(`http://${host}:${port}/hook`, []);
      expect([host, delivered, detail?.startsWith('refused: ')]).toEqual([host, false, true]);
    }
    expect(received).toHaveLength(before);
  });

  it('is delivered though its answer is longer than anybody reads', async () => {
    expect(await send(`http://127.0.0.1:${port}/long`)).toEqual({ delivered: true, status: 200 });
  });

  it('that nobody takes says why, and names no address', async () => {
    const outcome = await send('http://127.0.0.1:1/hook');
    expect(outcome).toEqual({ delivered: false, detail: 'no answer: ECONNREFUSED' });
  });
});
