/** Two gateways as processes, with the real API, worker and chat: one with links, one open to all that speaks TLS. */
import { existsSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest';
import { WebSocket } from 'ws';
import { TestAuthority } from '../../test-support/certificate.ts';
import { freePort } from '../../test-support/free-port.ts';
import { eventually, part, seeVm, startStack, type Part, type Stack } from '../../test-support/stack.ts';
import { startTestServer, textOf, type TestServer } from '../../test-support/temporal-server.ts';
import { tempDir } from '../../test-support/vm-server-processes.ts';

const CHROMIUM = '/usr/bin/chromium';
const missing = existsSync(CHROMIUM) ? '' : ' (needs apt package chromium)';
const HTML = { accept: 'text/html' };

let server: TestServer;
let stack: Stack;
let linked: Part;
let port: number;

beforeAll(async () => {
  server = await startTestServer();
  port = await freePort();
  const env = { EPHEMERA_GATEWAY_URL: `http://localhost:${port}` };
  stack = await startStack({ server, env });
  linked = gateway('linked', {
    ...stack.env,
    EPHEMERA_GATEWAY_KEYS: `default=${stack.apiKey}`,
    EPHEMERA_GATEWAY_PORT: `${port}`,
  });
  await linked.start();
  const made = await stack.calls.createVm({ name: 'lobby', template: 'chat' }, { wait: 'ready', timeoutSeconds: 60 });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
});
afterAll(async () => {
  await linked.kill();
  await stack.stop();
  await server.stop();
});

const logOf = (name: string): string => join(stack.stateDir, `gateway-${name}.log`);

function gateway(name: string, env: NodeJS.ProcessEnv): Part {
  const logFile = logOf(name);
  const listens = async (): Promise<true | undefined> =>
    (await textOf(logFile)).includes('the gateway is listening') ? true : undefined;
  const logs = (): Promise<string> => textOf(logFile);
  return part('commands/gateway.ts', env, logFile, () =>
    eventually({ logs }, `the gateway ${name}`, listens, 60_000).then(() => undefined),
  );
}

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** To the gateway with links, whatever the name resolves to. */
function visit(host: string, path = '/', { method = 'GET', headers = {}, body = '', at = port } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(
      { host: '127.0.0.1', port: at, path, method, headers: { host, ...headers }, agent: false },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

async function link(name: string, more: object = {}): Promise<URL> {
  const made = await stack.call('POST', `/v1/vms/${name}/links`, { port: 8080, ...more });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return new URL(String(made.body['url']));
}

/** What a browser keeps after it was let in. */
async function cookieOf(url: URL): Promise<string> {
  const letIn = await visit(url.host, url.pathname + url.search);
  expect(letIn.status, letIn.body).toBe(302);
  return letIn.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

it('lets in who has the link, for that one VM and port, and sends the browser on without it', async () => {
  const url = await link('lobby', { user: 'ann', expiresInSeconds: 3600 });
  expect(url.host).toBe(`8080--lobby.localhost:${port}`);
  const letIn = await visit(url.host, `/?room=lobby&${url.search.slice(1)}`);
  expect(letIn).toMatchObject({ status: 302, headers: { location: '/?room=lobby', 'referrer-policy': 'no-referrer' } });
  const [cookie = ''] = letIn.headers['set-cookie'] ?? [];
  expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
  expect(cookie).not.toContain('Domain');
  const headers = { cookie: cookie.split(';')[0] ?? '' };
  expect(await visit(url.host, '/healthz', { headers })).toMatchObject({ status: 200 });
  const without = await visit(url.host, '/', { headers: HTML });
  expect(without).toMatchObject({ status: 403, headers: { 'content-type': 'text/html; charset=utf-8' } });
  expect(without.body).toContain('You need a link');
  const token = url.searchParams.get('ephemera_link') ?? 'none';
  expect(await textOf(logOf('linked'))).not.toContain(token);
});

it('lets nobody in any more by a link that was taken back, and in by one that was made later', async () => {
  const before = await link('lobby');
  const headers = { cookie: await cookieOf(before) };
  const looks = async (): Promise<number> => (await visit(before.host, '/healthz', { headers })).status;
  expect(await looks()).toBe(200);
  expect((await stack.call('POST', '/v1/vms/lobby/links/revoke')).status).toBe(200);
  await expect.poll(looks, { timeout: 20_000, interval: 500 }).toBe(403);
  const refused = await visit(before.host, '/healthz', { headers });
  expect(JSON.parse(refused.body)).toMatchObject({ code: 'linkRevoked' });
  const after = await cookieOf(await link('lobby'));
  expect(await visit(before.host, '/healthz', { headers: { cookie: after } })).toMatchObject({ status: 200 });
});

it('refuses a link that has expired, is of another VM, or was changed', async () => {
  const refusalOf = async (host: string, path: string): Promise<unknown> =>
    (JSON.parse((await visit(host, path)).body) as { code: string }).code;
  const mine = await link('lobby');
  const host = mine.host;
  const made = await stack.calls.createVm({ name: 'other', template: 'chat' }, { wait: 'ready', timeoutSeconds: 60 });
  expect(made.status).toBe(201);
  const others = await link('other');
  expect(await refusalOf(host, `/${others.search}`)).toBe('linkRefused');
  const changed = mine.search.slice(0, -4) + (mine.search.endsWith('AAAA') ? 'BBBB' : 'AAAA');
  expect(await refusalOf(host, `/${changed}`)).toBe('linkRefused');
  const short = await link('lobby', { expiresInSeconds: 1 });
  await expect
    .poll(() => refusalOf(host, `/${short.search}`).catch(() => 'letIn'), { timeout: 10_000 })
    .toBe('linkExpired');
  // The next VM of the name is somebody else's.
  const old = await cookieOf(others);
  expect((await stack.calls.destroyVm('other', { wait: 'destroyed', timeoutSeconds: 60 })).status).toBe(200);
  const next = await stack.calls.createVm({ name: 'other', template: 'chat' }, { wait: 'ready', timeoutSeconds: 60 });
  expect(next.status).toBe(201);
  await expect
    .poll(
      async () =>
        (JSON.parse((await visit(others.host, '/healthz', { headers: { cookie: old } })).body) as { code?: string })
          .code,
      { timeout: 10_000 },
    )
    .toBe('linkRefused');
  expect((await stack.calls.destroyVm('other')).status).toBeLessThan(300);
});

it('makes no link for a port that the VM does not have, and answers to no other names', async () => {
  expect(await stack.call('POST', '/v1/vms/lobby/links', { port: 22 })).toMatchObject({
    status: 409,
    body: { code: 'unknownPort' },
  });
  for (const host of [
    'lobby.localhost',
    '8080--lobby.example.com',
    '169.254.169.254',
    '8080--lobby.localhost.example.com',
  ]) {
    expect(await visit(host), host).toMatchObject({ status: 404 });
  }
  expect((await visit('8080--lobby.localhost', 'http://127.0.0.1:7233/')).status).toBe(400);
});

it('keeps WebSockets, and tells pages of other VMs from the own one', async () => {
  const url = await link('lobby');
  const cookie = await cookieOf(url);
  const room = `ws://127.0.0.1:${port}/rooms/lobby?name=ann`;
  const headers = { host: url.host, cookie };
  const ann = new WebSocket(room, { headers: { ...headers, origin: `http://${url.host}` } });
  const heard: string[] = [];
  ann.on('message', (data) => heard.push((data as Buffer).toString('utf8')));
  await once(ann, 'open');
  ann.send(JSON.stringify({ type: 'message', text: 'hello through the gateway' }));
  await expect.poll(() => heard.join('\n'), { timeout: 10_000 }).toContain('hello through the gateway');
  await seeVm(stack, 'lobby', 'its user counted by its agent', ({ connections }) => connections === 1);
  expect((await stack.calls.getVm('lobby')).body.countedBy).toBe('agent');
  const closed = once(ann, 'close');
  ann.close();
  await closed;
  const foreign = new WebSocket(room, { headers: { ...headers, origin: `http://8080--other.localhost:${port}` } });
  const [refused] = (await once(foreign, 'unexpected-response').then(([, answer]) => [answer])) as [
    { statusCode: number },
  ];
  expect(refused.statusCode).toBe(403);
  foreign.on('error', () => undefined);
  foreign.terminate();
});

it('passes TCP on to the VM that the server name of TLS says, where a second gateway is open to all', async () => {
  const authority = new TestAuthority();
  const dir = tempDir();
  const { cert, key } = authority.certify('DNS:*.vms.test');
  const [certFile, keyFile] = [join(dir, 'gateway.pem'), join(dir, 'gateway.key')];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  const [https, tcp] = [await freePort(), await freePort()];
  const open = gateway('open', {
    ...stack.env,
    EPHEMERA_GATEWAY_KEYS: stack.apiKey,
    EPHEMERA_GATEWAY_PORT: `${https}`,
    EPHEMERA_GATEWAY_URL: `https://vms.test:${https}`,
    EPHEMERA_GATEWAY_ACCESS: 'open',
    EPHEMERA_GATEWAY_TLS_CERT: certFile,
    EPHEMERA_GATEWAY_TLS_KEY: keyFile,
    EPHEMERA_GATEWAY_TCP_PORT: `${tcp}`,
  });
  await open.start();
  try {
    const secure = { host: '127.0.0.1', ca: await textOf(authority.file) };
    const said = async (socket: TLSSocket, words: string, { thenEnds = false } = {}): Promise<string> => {
      let text = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      await once(socket, 'secureConnect');
      socket.write(words);
      if (thenEnds) socket.end();
      await once(socket, 'close');
      return text;
    };
    const question = (host: string): string => `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const servername = '8080--lobby.vms.test';
    const plain = connect({ ...secure, port: tcp, servername });
    expect(await said(plain, question('a-name-of-its-own'), { thenEnds: true })).toMatch(/^HTTP\/1\.1 200 /);
    const web = connect({ ...secure, port: https, servername });
    expect(await said(web, question(`${servername}:${https}`))).toMatch(/^HTTP\/1\.1 200 /);
    // A port that its spec does not name is dialled for nobody.
    expect(
      await said(connect({ ...secure, port: tcp, servername: '22--lobby.vms.test' }), 'hello').catch(() => ''),
    ).toBe('');
  } finally {
    await open.kill();
  }
});

it('reaches a VM through its agent where the gateway is on another computer than its host', async () => {
  const port = await freePort();
  const remote = gateway('remote', {
    ...stack.env,
    EPHEMERA_GATEWAY_KEYS: stack.apiKey,
    EPHEMERA_GATEWAY_PORT: `${port}`,
    EPHEMERA_GATEWAY_ACCESS: 'open',
    EPHEMERA_GATEWAY_WAY: 'agent',
  });
  await remote.start();
  try {
    const host = `8080--lobby.localhost:${port}`;
    const answers = await Promise.all([1, 2, 3].map(() => visit(host, '/healthz', { at: port })));
    expect(answers.map(({ status, body }) => [status, body])).toEqual(Array(3).fill([200, 'ok']));
    expect((await visit(host, '/chat.js', { at: port })).body.length).toBeGreaterThan(1000);
    const bob = new WebSocket(`ws://127.0.0.1:${port}/rooms/lobby?name=bob`, { headers: { host } });
    const heard: string[] = [];
    bob.on('message', (data) => heard.push((data as Buffer).toString('utf8')));
    await once(bob, 'open');
    bob.send(JSON.stringify({ type: 'message', text: 'hello through the agent' }));
    await expect.poll(() => heard.join('\n'), { timeout: 10_000 }).toContain('hello through the agent');
    const closed = once(bob, 'close');
    bob.close();
    await closed;
    await seeVm(stack, 'lobby', 'nobody left', ({ connections }) => connections === 0);
    // One line for each stream: it went that way.
    expect((await textOf(join(stack.stateDir, 'audit.log'))).split('"forwardPort"').length).toBeGreaterThan(5);
  } finally {
    await remote.kill();
  }
});

it.skipIf(missing)(
  `a browser that opens a stopped VM by its name sees it wake, and then the chat${missing}`,
  async () => {
    onTestFailed(async () => console.log(await stack.logs(), await textOf(logOf('linked'))));
    const url = await link('lobby');
    await stack.calls.stopVm('lobby', { force: true });
    await seeVm(stack, 'lobby', 'stopped', ({ state }) => state === 'stopped');
    const waiting = await visit(url.host, '/', {
      headers: { ...HTML, cookie: await cookieOf(url), 'sec-purpose': 'prefetch' },
    });
    expect(waiting).toMatchObject({ status: 503, headers: { 'retry-after': '2' } });
    expect(waiting.body).toContain('The VM is starting');
    expect((await stack.calls.getVm('lobby')).body.state).toBe('stopped');
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
    });
    try {
      const page = await browser.newPage();
      await page.goto(url.href);
      await page.getByLabel('Your name').fill('ann', { timeout: 60_000 });
      await page.getByRole('button').first().click();
      await page.locator('#text').fill('hello from a browser');
      await page.locator('#text').press('Enter');
      await page.getByText('hello from a browser').waitFor({ timeout: 30_000 });
      expect(page.url()).not.toContain('ephemera_link');
    } finally {
      await browser.close();
    }
    expect(await textOf(logOf('linked'))).toContain('a visitor wakes a VM');
  },
);

it('a program that asks for a closed VM waits until that is reopened, with the link that it had before', async () => {
  onTestFailed(async () => console.log(await stack.logs(), await textOf(logOf('linked'))));
  const url = await link('lobby');
  const headers = { cookie: await cookieOf(url) };
  const { uid } = (await stack.calls.getVm('lobby')).body;
  expect((await stack.call('POST', '/v1/vms/lobby/close', { force: true })).status).toBeLessThan(300);
  await seeVm(stack, 'lobby', 'closed', ({ reason, state }) => state === 'destroyed' && reason === 'closed');
  const answers = await Promise.all([1, 2, 3].map(() => visit(url.host, '/healthz', { headers })));
  expect(answers.map(({ status, body }) => [status, body])).toEqual([
    [200, 'ok'],
    [200, 'ok'],
    [200, 'ok'],
  ]);
  const { body } = await stack.calls.getVm('lobby');
  expect(body).toMatchObject({ state: 'running', startedFrom: 'image' });
  expect(body.uid).not.toBe(uid);
});
