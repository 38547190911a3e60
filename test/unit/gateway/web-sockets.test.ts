/** WebSockets of visitors who went away, over real connections. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { linkCookieName } from '../../../gateway/access/link-cookie.ts';
import { HttpGateway, type HttpGatewayParts } from '../../../gateway/http/http-gateway.ts';
import { HttpProxy } from '../../../gateway/http/http-proxy.ts';
import { dial } from '../../../gateway/vms/dial.ts';

const ASK =
  'GET / HTTP/1.1\r\nHost: 8080--lobby.vms.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n';
const AGREES = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const REFUSES = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A program that answers with these words, and never ends a connection by itself. */
function programThat(says: string): Promise<number> {
  return listening(
    createTcpServer({ allowHalfOpen: true }, (socket) => {
      ends.push(() => socket.destroy());
      socket.on('error', () => undefined).once('data', () => socket.write(says));
    }),
  );
}

/** Where visitors come, how long one may be silent, and what became of the way to the program. */
async function gatewayTo(
  port: number,
): Promise<{ port: number; passed: () => 'open' | 'over' | undefined; silenceMs: () => unknown }> {
  let silenceMs: () => unknown = () => undefined;
  let passed: 'open' | 'over' | undefined;
  const proxy = new HttpProxy({ lingerMs: 100 });
  const server = createServer();
  server.on('upgrade', (request: IncomingMessage, visitor: Socket, head: Buffer) => {
    passed = 'open';
    const keepAlive = vi.spyOn(visitor, 'setKeepAlive');
    silenceMs = () => keepAlive.mock.lastCall;
    const pass = async (): Promise<void> => {
      const socket = await dial({ ip: '127.0.0.1', port });
      await proxy.upgrade(request, visitor, { socket, target: `http://127.0.0.1:${port}`, head });
    };
    const over = (): void => void (passed = 'over');
    pass().then(over, over);
  });
  return { port: await listening(server), passed: () => passed, silenceMs: () => silenceMs() };
}

function visitorAt(port: number): Socket {
  const visitor = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined);
  ends.push(() => visitor.destroy());
  visitor.write(ASK);
  return visitor.resume();
}

describe('a WebSocket is over, and counts for nobody,', () => {
  it.each([
    ['when its visitor goes before the program answers', ''],
    ['when its visitor goes and the program keeps its side open', AGREES],
  ])('%s', async (_what, says) => {
    const gateway = await gatewayTo(await programThat(says));
    const visitor = visitorAt(gateway.port);
    await (says === '' ? vi.waitFor(() => expect(gateway.passed()).toBe('open')) : once(visitor, 'data'));
    visitor.destroy();
    await vi.waitFor(() => expect(gateway.passed()).toBe('over'), 5000);
  });

  it('when the program refuses it and its visitor keeps the connection', async () => {
    const gateway = await gatewayTo(await programThat(REFUSES));
    const visitor = visitorAt(gateway.port);
    await once(visitor, 'data');
    await vi.waitFor(() => expect(gateway.passed()).toBe('over'), 5000);
  });
});

it('the network of a visitor is asked each minute whether it is still there', async () => {
  const gateway = await gatewayTo(await programThat(AGREES));
  await once(visitorAt(gateway.port), 'data');
  expect(gateway.silenceMs()).toEqual([true, 60_000]);
});

it('who comes without a link holds no connection of the gateway, also by leaving its half of it open', async () => {
  const meter = { refuses: vi.fn(), passes: vi.fn() };
  const parts = { site: { domain: 'vms.test', isSecure: false }, access: 'links', meter, log: { error: vi.fn() } };
  const gateway = new HttpGateway(parts as unknown as HttpGatewayParts);
  const server = createServer();
  server.on('upgrade', (request, socket, head: Buffer) => void gateway.upgrade(request, socket, head));
  const port = await listening(server);
  const came = once(server, 'connection') as Promise<[Socket]>;
  const visitor = visitorAt(port);
  const [held] = await came;
  const closed = once(held, 'close');
  const [answer] = (await once(visitor, 'data')) as [Buffer];
  expect(answer.toString()).toContain('linkNeeded');
  await closed;
});

it.each(['upgrade', 'request'] as const)(
  'what a link let in ends when the link does: a WebSocket or a long answer (%s)',
  async (kind) => {
    const says = kind === 'upgrade' ? AGREES : 'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbegun';
    const appPort = await programThat(says);
    const expiresAt = Date.now() + 700;
    const claims = { project: 'default', name: 'lobby', port: 8080, uid: 'u-1', expiresAt };
    const parts = {
      ...{ site: { domain: 'vms.test', isSecure: false }, access: 'links', log: { error: vi.fn() } },
      links: { verify: () => Promise.resolve({ claims }) },
      counts: { open: () => () => undefined },
      meter: { refuses: vi.fn(), passes: () => () => undefined },
      proxy: new HttpProxy(),
      ways: {
        reach: async () => {
          const address = { ip: '127.0.0.1', port: appPort };
          return { vm: {}, address, socket: await dial(address) };
        },
      },
    };
    const gateway = new HttpGateway(parts as unknown as HttpGatewayParts);
    const server = createServer((request, response) => void gateway.answer(request, response));
    server.on('upgrade', (request, socket, head: Buffer) => void gateway.upgrade(request, socket, head));
    const visitor = connect({ port: await listening(server), host: '127.0.0.1' }).on('error', () => undefined);
    ends.push(() => visitor.destroy());
    const words = ASK.replace('\r\n\r\n', `\r\nCookie: ${linkCookieName(false)}=a.link\r\n\r\n`);
    visitor.write(kind === 'upgrade' ? words : words.replace(/Connection: Upgrade\r\nUpgrade: websocket\r\n/, ''));
    const [answer] = (await once(visitor, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(kind === 'upgrade' ? / 101 / : / 200 /);
    await once(visitor.resume(), 'close');
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAt);
    expect(Date.now()).toBeLessThan(expiresAt + 3000);
  },
);
