/** What the API asks of a host's endpoint, and endpoints that have the right key and answer with malice. */
import { createServer, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { pinnedAnswer } from '../../../api/hosts/pinned-request.ts';
import { internalIdentity } from '../../../worker/host/internal-identity.ts';

const root = mkdtempSync(join(tmpdir(), 'eph-pinned-'));
const closes: (() => void)[] = [];
afterAll(() => {
  for (const close of closes) close();
  rmSync(root, { recursive: true });
});

/** A host that answers each request as `answer` does; the answer of the API to that, within `ms`. */
async function asked(answer: (socket: TLSSocket) => void, ms = 5000) {
  const identity = await internalIdentity(root);
  const server = createServer({ key: identity.key, cert: identity.cert, minVersion: 'TLSv1.3' }, (socket) => {
    socket.on('error', () => undefined).once('data', () => answer(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closes.push(() => server.close());
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const signal = AbortSignal.timeout(ms);
  return pinnedAnswer({ address, fingerprint: identity.fingerprint, path: '/', headers: {}, signal });
}

it('takes what a host answers', async () => {
  const answer = await asked((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello'));
  expect({ ...answer, body: answer.body.toString() }).toEqual({ status: 200, body: 'hello' });
});

it('reads no more of an answer than a console has, so that no host fills the memory of the API', async () => {
  let sent = 0;
  const endless = asked((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    const chunk = Buffer.from(`10000\r\n${'x'.repeat(0x10000)}\r\n`);
    const more = (): void => {
      while (!socket.destroyed && sent < 512 * 1024 * 1024) {
        sent += chunk.length;
        if (!socket.write(chunk)) return void socket.once('drain', more);
      }
      socket.end('0\r\n\r\n');
    };
    more();
  });
  await expect(endless).rejects.toThrow('longer than');
  expect(sent).toBeLessThan(16 * 1024 * 1024);
});

it.each([
  ['never', ''],
  ['with another protocol', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'],
  ['with a part of an answer', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel'],
])(
  'gives a host up in time that answers %s',
  async (_, text) => {
    await expect(asked((socket) => void socket.write(text), 300)).rejects.toThrow();
  },
  3000,
);
