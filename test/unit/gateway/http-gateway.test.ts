/** The gateway's HTTP with real sockets, before a program of this test instead of a VM. */
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Vm } from '../../../client/api-client.ts';
import { GatewayMeter } from '../../../gateway/gateway-meter.ts';
import { HttpGateway } from '../../../gateway/http/http-gateway.ts';
import { HttpProxy } from '../../../gateway/http/http-proxy.ts';
import { ConnectionCounts } from '../../../gateway/vms/connection-counts.ts';
import { dial } from '../../../gateway/vms/dial.ts';
import { VmLookup } from '../../../gateway/vms/vm-lookup.ts';
import { Wakes } from '../../../gateway/vms/wakes.ts';
import { Ways } from '../../../gateway/vms/ways.ts';
import { createHttpServer } from '../../../lib/network/http-server.ts';
import { MetricRegistry } from '../../../telemetry/metric-registry.ts';

const HOST = (port: number): string => `${port}--lobby.vms.test`;
const CHUNK = Buffer.alloc(64 * 1024, 'x');
const CHUNKS = 512;

let app: Server;
let appPort: number;
let server: Server;
let port: number;
let counts: ConnectionCounts;
let lookup: VmLookup;
const registry = new MetricRegistry();
/** Requests as the program got them. */
const got: IncomingMessage[] = [];
let chunksWritten = 0;
/** Of the machine that the API names. */
let ip = '127.0.0.1';

beforeAll(async () => {
  app = createServer((request, response) => {
    got.push(request);
    if (request.url === '/large') {
      writeLarge(response);
      return;
    }
    if (request.url === '/broken') {
      response.writeHead(200, { 'content-length': '100' });
      response.write('ten bytes.', () => response.destroy());
      return;
    }
    if (request.url === '/early') return void response.writeHead(413, { connection: 'close' }).end('too much');
    let size = 0;
    request.on('data', (chunk: Buffer) => (size += chunk.length));
    request.on('end', () => response.end(`${request.method} ${size}`));
  }).listen(0, '127.0.0.1');
  await once(app, 'listening');
  appPort = (app.address() as AddressInfo).port;
  const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const calls = {
    vm: () => Promise.resolve(vm()),
    knows: () => true,
    isKept: () => Promise.resolve(false),
    start: () => Promise.reject(new Error('never')),
    reopen: () => Promise.reject(new Error('never')),
    count: () => Promise.resolve(undefined),
    linkKey: () => Promise.reject(new Error('never')),
  };
  // What it has heard stays fresh, unless it is forgotten.
  lookup = new VmLookup(calls, () => 0);
  counts = new ConnectionCounts({ calls, log, by: 'g', leaseSeconds: 0, maxPerVm: 3 });
  const gateway = new HttpGateway({
    site: { domain: 'vms.test', isSecure: false },
    access: 'open',
    ways: new Ways({ calls, dial: (_vm, address) => dial(address) }, lookup, new Wakes(calls, lookup, { log })),
    links: { verify: () => Promise.resolve({ fault: 'notOurs' }) },
    proxy: new HttpProxy(),
    ...{ counts, log, meter: new GatewayMeter(registry) },
  });
  server = createHttpServer((request, response) => void gateway.answer(request, response));
  server.on('upgrade', (request, socket, head: Buffer) => void gateway.upgrade(request, socket, head));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  await counts.close();
  for (const one of [server, app]) {
    one.closeAllConnections();
    one.close();
  }
});

function vm(): Vm {
  const ports = [{ name: 'http', port: appPort, protocol: 'tcp' }];
  const spec = { ports, readiness: { kind: 'agent' } };
  return {
    project: 'default',
    name: 'lobby',
    uid: 'u',
    state: 'running',
    address: { ip, ports },
    spec,
  } as unknown as Vm;
}

function writeLarge(response: {
  write: (chunk: Buffer) => boolean;
  end: () => void;
  once: (event: 'drain', then: () => void) => void;
}): void {
  chunksWritten = 0;
  const more = (): void => {
    while (chunksWritten < CHUNKS) {
      chunksWritten += 1;
      if (!response.write(CHUNK)) {
        response.once('drain', more);
        return;
      }
    }
    response.end();
  };
  more();
}

/** Sends these bytes, and resolves with all that comes back until the connection is closed. */
async function raw(text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk));
  socket.on('error', () => undefined);
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

describe('what passes through a gateway', () => {
  it('arrives as it was sent, with a length or in chunks, and many requests on one connection', async () => {
    const host = `Host: ${HOST(appPort)}\r\n`;
    const answer = await raw(
      `POST /a HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhello` +
        `PUT /b HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n` +
        `GET /c HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    );
    expect(answer.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
    for (const body of ['POST 5', 'PUT 3', 'GET 0']) expect(answer).toContain(body);
  });

  it('is counted: what was passed on and refused, what is open, and how many bytes went both ways', async () => {
    const valueOf = async (name: string, labels: string): Promise<number> => {
      const [, value = 'none'] = new RegExp(`^${name}\\{${labels}\\} (.*)$`, 'm').exec(await registry.text()) ?? [];
      return Number(value);
    };
    const bytes = (direction: string) =>
      valueOf('ephemera_gateway_bytes_total', `kind="http",direction="${direction}"`);
    const passed = () => valueOf('ephemera_gateway_passed_total', 'kind="http"');
    const before = { passed: await passed(), toVm: await bytes('toVm'), fromVm: await bytes('fromVm') };
    const host = `Host: ${HOST(appPort)}\r\n`;
    await raw(`POST /counted HTTP/1.1\r\n${host}Connection: close\r\nContent-Length: 2000\r\n\r\n${'x'.repeat(2000)}`);
    await raw(`GET / HTTP/1.1\r\nHost: ${HOST(1)}\r\nConnection: close\r\n\r\n`);
    expect(await passed()).toBe(before.passed + 1);
    expect(await bytes('toVm')).toBeGreaterThanOrEqual(before.toVm + 2000);
    expect(await bytes('fromVm')).toBeGreaterThan(before.fromVm);
    expect(await valueOf('ephemera_gateway_refused_total', 'kind="http",code="unknownPort"')).toBe(1);
    await vi.waitFor(async () => expect(await valueOf('ephemera_gateway_connections', 'kind="http"')).toBe(0));
  });

  it('is never a request that a visitor hid in another one', async () => {
    const before = got.length;
    const host = `Host: ${HOST(appPort)}\r\n`;
    const hidden = 'GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n';
    const tricks = [
      `POST /t HTTP/1.1\r\n${host}Content-Length: ${hidden.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
      `POST /t HTTP/1.1\r\n${host}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${hidden}`,
      `POST /t HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n12`,
      `GET /t HTTP/1.1\r\n${host}X: a\rGET /hidden HTTP/1.1\r\n\r\n`,
      `GET /t HTTP/1.1\r\n${host} Folded: a\r\n\r\n`,
    ];
    for (const trick of tricks) expect(await raw(trick)).toMatch(/^HTTP\/1\.1 400 /);
    // Here the body says nothing of itself once `connection` has taken its length away.
    const body = `DELETE /kept HTTP/1.1\r\n${host}Connection: close, content-length\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`;
    expect(await raw(body)).toContain(`DELETE ${hidden.length}`);
    expect(got.slice(before).map(({ url }) => url)).toEqual(['/kept']);
  });

  it('is as slow as its reader: no answer is kept in memory', async () => {
    const asked = httpRequest({ port, path: '/large', headers: { host: HOST(appPort) }, agent: false }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    await once(answer, 'readable');
    // Until both systems' buffers are full; then nothing more is written while nobody reads.
    let seen = -1;
    await vi.waitFor(
      () => {
        const before = seen;
        seen = chunksWritten;
        expect(seen).toBe(before);
      },
      { interval: 200, timeout: 10_000 },
    );
    expect(chunksWritten).toBeLessThan(CHUNKS);
    let size = 0;
    for await (const chunk of answer) size += (chunk as Buffer).length;
    expect(size).toBe(CHUNKS * CHUNK.length);
  });

  it('breaks off where the program does, and is answered where it answers early', async () => {
    const asked = httpRequest({ port, path: '/broken', headers: { host: HOST(appPort) }, agent: false }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    await expect(once(answer, 'end')).rejects.toThrow(/aborted/);
    const early = `POST /early HTTP/1.1\r\nHost: ${HOST(appPort)}\r\nContent-Length: 1000000\r\n\r\nonly this`;
    const socket = connect(port, '127.0.0.1').setEncoding('latin1');
    socket.write(early);
    const [first] = (await once(socket, 'data')) as [string];
    expect(first).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
  });

  it('is as much as one VM may have, and those that go make room', async () => {
    const busy = [1, 2, 3].map(() => {
      const asked = httpRequest({ port, path: '/x', method: 'POST', headers: { host: HOST(appPort) }, agent: false });
      asked.on('error', () => undefined).write('begun');
      return asked;
    });
    const look = async (): Promise<string> =>
      raw(`GET / HTTP/1.1\r\nHost: ${HOST(appPort)}\r\nConnection: close\r\n\r\n`);
    await vi.waitFor(async () => expect(await look()).toContain('tooManyConnections'), { timeout: 10_000 });
    busy.forEach((one) => one.destroy());
    await vi.waitFor(async () => expect(await look()).toContain('GET 0'), { timeout: 10_000 });
  });

  it('finds a machine that was replaced, and says so where nothing answers', async () => {
    ip = '127.0.0.99';
    lookup.forget('default', 'lobby');
    const asked = raw(`GET /moved HTTP/1.1\r\nHost: ${HOST(appPort)}\r\nConnection: close\r\n\r\n`);
    setTimeout(() => (ip = '127.0.0.1'), 100);
    expect(await asked).toContain('GET 0');
    app.closeAllConnections();
    const nobody = await raw(`GET / HTTP/1.1\r\nHost: ${HOST(appPort)}\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n`);
    expect(nobody).toMatch(/^HTTP\/1\.1 501 [^]*notWebSocket/);
  });
});
