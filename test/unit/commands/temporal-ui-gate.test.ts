import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startUiGate, whyRefused } from '../../../commands/start/temporal-ui-gate.ts';
import { freePort } from '../../../test-support/free-port.ts';

type Headers = Record<string, string>;
const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

const refused = (method: string, headers: Headers, publicUrl: string | null = null): boolean =>
  whyRefused({ method, headers }, publicUrl) !== undefined;

describe('the gate of Temporal’s Web UI', () => {
  it.each<[string, string, Headers]>([
    ['a look from this computer', 'GET', { host: '127.0.0.1:8233' }],
    ['a look by name', 'GET', { host: 'localhost:8233', 'sec-fetch-site': 'none' }],
    ['a look over IPv6', 'GET', { host: '[::1]:8233' }],
    ['a look through a tunnel from another port', 'GET', { host: 'localhost:9000', 'sec-fetch-site': 'same-origin' }],
    ['a command of its own page', 'POST', { host: 'localhost:8233', origin: 'http://localhost:8233' }],
    ['a program', 'POST', { host: '127.0.0.1:8233' }],
    ['a link of another page', 'GET', { host: '127.0.0.1:8233', 'sec-fetch-site': 'cross-site', ...NAVIGATION }],
  ])('lets through %s', (_what, method, headers) => {
    expect(refused(method, headers)).toBe(false);
  });

  it.each<[string, string, Headers]>([
    ['a name that was made to resolve here', 'GET', { host: 'rebound.test:8233' }],
    ['an address in another spelling', 'GET', { host: '127.0.0.1.rebound.test:8233' }],
    ['a name under localhost', 'GET', { host: 'evil.localhost:8233' }],
    ['no host', 'GET', {}],
    ['a broken host', 'GET', { host: 'localhost@rebound.test' }],
    ['a command of another page', 'POST', { host: 'localhost:8233', origin: 'http://foreign.test' }],
    ['a command of another port', 'POST', { host: 'localhost:8233', origin: 'http://localhost:3000' }],
    ['a command of a page without origin', 'POST', { host: 'localhost:8233', origin: 'null' }],
    ['a script of another page', 'GET', { host: 'localhost:8233', 'sec-fetch-site': 'cross-site' }],
    ['a script of another port', 'GET', { host: 'localhost:8233', 'sec-fetch-site': 'same-site' }],
    [
      'a form of another page',
      'POST',
      { host: 'localhost:8233', origin: 'http://localhost:8233', 'sec-fetch-site': 'cross-site', ...NAVIGATION },
    ],
    [
      'a frame in another page',
      'GET',
      { host: 'localhost:8233', ...NAVIGATION, 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'iframe' },
    ],
  ])('refuses %s', (_what, method, headers) => {
    expect(refused(method, headers)).toBe(true);
  });

  it('takes the address that was set as one of its own', () => {
    const publicUrl = 'https://temporal.example.com';
    const headers = { host: 'temporal.example.com', origin: publicUrl };
    expect(refused('POST', headers, publicUrl)).toBe(false);
    expect(refused('POST', { ...headers, host: '127.0.0.1:8233' }, publicUrl)).toBe(false);
    expect(refused('POST', headers)).toBe(true);
  });

  it('passes requests and answers on as they are, and says so when Temporal is away', async () => {
    const ui = createServer((asked, response) => {
      response.writeHead(201, { 'x-path': asked.url ?? '', 'set-cookie': ['a=1', 'b=2'] });
      asked.pipe(response);
    });
    await once(ui.listen(0, '127.0.0.1'), 'listening');
    const port = await freePort();
    await startUiGate({ port, ui: { host: '127.0.0.1', port: (ui.address() as AddressInfo).port }, publicUrl: null });
    const url = `http://127.0.0.1:${port}/namespaces/a%2Fb?x=1`;
    const answer = await fetch(url, { method: 'POST', body: 'as it is' });
    expect([answer.status, answer.headers.get('x-path')]).toEqual([201, '/namespaces/a%2Fb?x=1']);
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await answer.text()).toBe('as it is');
    const foreign = request(url, { headers: { host: 'rebound.test' } }).end();
    const [refusal] = (await once(foreign, 'response')) as [{ statusCode: number }];
    expect(refusal.statusCode).toBe(403);
    ui.close();
    ui.closeAllConnections();
    expect((await fetch(url)).status).toBe(502);
  });

  it('says which port it cannot have', async () => {
    const other = createServer();
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const { port } = other.address() as AddressInfo;
    const gate = { port, ui: { host: '127.0.0.1', port: 1 }, publicUrl: null };
    await expect(startUiGate(gate)).rejects.toThrow(`port ${port}`);
    other.close();
  });
});
