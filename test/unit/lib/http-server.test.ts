import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createHttpServer } from '../../../lib/network/http-server.ts';

let server: Server;
beforeAll(async () => {
  const limits = { maxHeaderBytes: 4096, headersTimeoutMs: 300, requestTimeoutMs: 600, checkMs: 50 };
  server = createHttpServer(
    (request, response) => {
      request.resume().on('end', () => response.end('fine'));
    },
    { limits },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** Sends the pieces, one each 40 ms, and gives what comes back until the server hangs up. */
async function sent(...pieces: string[]): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  for (const piece of pieces) {
    if (!socket.writable) break;
    socket.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  await closed;
  return answer;
}

describe('a client that sends slowly', () => {
  it('its headers, is cut off', async () => {
    const drops = Array.from({ length: 100 }, (_, index) => `x-${index}: y\r\n`);
    expect(await sent('GET / HTTP/1.1\r\nHost: a\r\n', ...drops)).toContain('408');
  });

  it('its body, is cut off', async () => {
    const drops = Array.from({ length: 100 }, () => 'x');
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n';
    expect(await sent(head, ...drops)).toContain('408');
  });

  it('nothing at all, is cut off', async () => {
    expect(await sent('')).toContain('408');
  });
});

describe('a client that closes nothing itself', () => {
  it('is gone once it was told that it is too slow', async () => {
    const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined).write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx');
    const [told] = (await once(socket, 'data')) as [Buffer];
    expect(told.toString()).toContain('408');
    await vi.waitFor(async () => expect(await connections()).toBe(0), { timeout: 10_000 });
    socket.destroy();
  });
});

function connections(): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
}

describe('a client that sends what is no HTTP', () => {
  it('is answered once and cut off', async () => {
    expect(await sent(`GET /${'a'.repeat(8000)} HTTP/1.1\r\nHost: a\r\n\r\n`)).toContain('431');
    for (const wrong of [
      'nonsense\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nX: a\u0000b\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
    ]) {
      const answer = await sent(wrong);
      expect([wrong, answer.split('\r\n')[0]]).toEqual([wrong, 'HTTP/1.1 400 Bad Request']);
      expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    }
  });
});
