import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { HttpReport } from '../../../domain/agent/protocol.ts';
import { LOCAL_MACHINE_FILE } from '../../../domain/machine/local-machine.ts';
import { freePort } from '../../../test-support/free-port.ts';
import {
  ChatClient,
  eventually,
  newMachine,
  startVmServer,
  tempDir,
  type TestMachine,
  type VmServer,
} from '../../../test-support/vm-server-processes.ts';

interface Call {
  path: string;
  authorization: string | undefined;
  body: Record<string, unknown>;
  at: number;
}
/** What the API does with a call: an answer, or a connection that breaks before the answer. */
type Reply = { status: number; body?: unknown; headers?: Record<string, string> } | 'lost';

/** A small API of the agent: it remembers each call and answers as the test wants. */
class TestApi {
  readonly calls: Call[] = [];
  url = '';
  /** How long each answer takes. */
  delayMs = 0;
  mostInFlight = 0;
  #inFlight = 0;
  exchange: () => Reply = () => ({ status: 200, body: { token: 'token-1', nextReportSeconds: 60 } });
  report: (report: HttpReport, call: Call) => Reply = () => ({ status: 200, body: reportReply() });

  static async start(): Promise<TestApi> {
    const api = new TestApi();
    const server = createServer((request, response) => void api.#answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    return api;
  }

  get exchanges(): Call[] {
    return this.calls.filter(({ path }) => path === '/v1/agent/exchange');
  }

  get reports(): (Call & { body: HttpReport & Record<string, unknown> })[] {
    return this.calls.filter(({ path }) => path === '/v1/agent/report') as ReturnType<() => TestApi['reports']>;
  }

  /** Resolves when this many calls of a kind came. */
  async came(kind: 'exchanges' | 'reports', count: number): Promise<void> {
    await eventually(() => expect(this[kind].length).toBeGreaterThanOrEqual(count));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const { authorization } = request.headers;
    const body = JSON.parse(text) as Call['body'];
    const call = { path: request.url ?? '', authorization, body, at: Date.now() };
    this.calls.push(call);
    this.mostInFlight = Math.max(this.mostInFlight, ++this.#inFlight);
    await delay(this.delayMs);
    this.#inFlight--;
    const isReport = call.path === '/v1/agent/report';
    const reply = isReport ? this.report(body as unknown as HttpReport, call) : this.exchange();
    if (reply === 'lost') {
      request.socket.destroy();
      return;
    }
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
    response.end(JSON.stringify(reply.body ?? {}));
  }
}

function reportReply(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return { nextReportSeconds: 60, forwarded: null, draining: false, ...overrides };
}

const SECRET = 'one-time-secret-of-this-machine';
const ASSIGNMENT = {
  ...{ machineId: 'm-1', name: 'lobby', project: 'default', env: {}, secretEnv: {} },
  ...{ startupScript: null, timeoutSeconds: 60 },
};

/** A metadata server with these attributes, as they are when it is asked. */
async function metadataOf(attributes: Record<string, string>): Promise<string> {
  const server = createServer((request, response) => response.end(attributes[request.url?.split('/').at(-1) ?? '']));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function startMachine(
  api: TestApi,
): Promise<{ machine: TestMachine; server: VmServer; join: () => Promise<ChatClient> }> {
  const machine = newMachine({ link: { kind: 'http', apiUrl: api.url } });
  writeFileSync(join(machine.dir, LOCAL_MACHINE_FILE.agentSecret), `${SECRET}\n`, { mode: 0o600 });
  const server = await machine.start();
  return { machine, server, join: async () => ChatClient.join(await machine.address(), 'lobby') };
}

describe('the link over HTTP', () => {
  it('exchanges its secret once, deletes it, and reports with the token', async () => {
    const api = await TestApi.start();
    const { machine, server } = await startMachine(api);
    await api.came('reports', 1);
    expect(api.exchanges).toHaveLength(1);
    expect(api.exchanges[0]?.body['secret']).toBe(SECRET);
    expect(api.exchanges[0]?.body['nonce']).toMatch(/^[0-9a-f]{32}$/);
    expect(api.reports[0]?.authorization).toBe('Bearer token-1');
    expect(api.reports[0]?.body).toMatchObject({ connections: 0, ready: true, forwarded: null });
    expect(existsSync(join(machine.dir, LOCAL_MACHINE_FILE.agentSecret))).toBe(false);
    expect(server.output()).not.toContain(SECRET);
    expect(server.output()).not.toContain('token-1');
  });

  it('asks again with the same nonce when the answer to the exchange is lost or an error', async () => {
    const api = await TestApi.start();
    const replies: Reply[] = ['lost', { status: 503 }];
    const granted = api.exchange;
    api.exchange = () => replies.shift() ?? granted();
    await startMachine(api);
    await api.came('reports', 1);
    expect(api.exchanges).toHaveLength(3);
    expect(new Set(api.exchanges.map(({ body }) => body['nonce'])).size).toBe(1);
  });

  it('goes on asking, ever more slowly, when the secret is refused, and the app goes on meanwhile', async () => {
    const api = await TestApi.start();
    const refused: Reply[] = [{ status: 401 }, { status: 401 }, { status: 401 }];
    const granted = api.exchange;
    api.exchange = () => refused.shift() ?? granted();
    const { server, join: joinChat } = await startMachine(api);
    await eventually(() => expect(server.output()).toContain('refused this machine (401)'));
    const client = await joinChat();
    client.say('the app goes on');
    await client.hears({ type: 'message', text: 'the app goes on' });
    await api.came('reports', 1);
    const at = api.exchanges.map((call) => call.at);
    expect([at[1]! - at[0]! >= 490, at[2]! - at[1]! >= 990, at[3]! - at[2]! >= 1990]).toEqual([true, true, true]);
    expect(new Set(api.exchanges.map(({ body }) => body['nonce'])).size).toBe(1);
  });

  it('reports an edge at once and other changes after a second of calm', async () => {
    const api = await TestApi.start();
    const { join: joinChat } = await startMachine(api);
    await api.came('reports', 1);
    const ada = await joinChat();
    const cameAt = Date.now();
    await api.came('reports', 2);
    expect(api.reports[1]?.body.connections).toBe(1);
    expect(api.reports[1]!.at - cameAt).toBeLessThan(800);
    const changedAt = Date.now();
    const [bob] = await Promise.all([joinChat(), joinChat()]);
    await api.came('reports', 3);
    expect(api.reports[2]?.body.connections).toBe(3);
    expect(api.reports[2]!.at - changedAt).toBeGreaterThanOrEqual(990);
    expect(api.reports[2]?.body.calmMs).toBeGreaterThanOrEqual(1000);
    expect(bob).not.toBe(ada);
  });

  it('reports as often as the API asks, with growing sequence numbers', async () => {
    const api = await TestApi.start();
    api.report = () => ({ status: 200, body: reportReply({ nextReportSeconds: 0.2 }) });
    await startMachine(api);
    await api.came('reports', 4);
    const sequences = api.reports.map(({ body }) => body.sequence);
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
    expect(api.reports[3]!.at - api.reports[0]!.at).toBeGreaterThanOrEqual(550);
  });

  it('never has two reports in flight and ends with the latest state', async () => {
    const api = await TestApi.start();
    api.delayMs = 150;
    const { join: joinChat } = await startMachine(api);
    await api.came('reports', 1);
    for (let round = 0; round < 10; round++) {
      const client = await joinChat();
      client.socket.close();
      await client.closed;
    }
    const last = await joinChat();
    await eventually(() => expect(api.reports.at(-1)?.body.connections).toBe(1));
    expect(last.socket.readyState).toBe(1);
    expect(api.mostInFlight).toBe(1);
    expect(api.reports.length).toBeLessThan(12);
  });

  it('tries a lost report again, with the latest state', async () => {
    const api = await TestApi.start();
    const failures: Reply[] = ['lost'];
    api.report = ({ connections }) =>
      connections === 1 ? (failures.shift() ?? { status: 500 }) : { status: 200, body: reportReply() };
    const { join: joinChat, server } = await startMachine(api);
    await api.came('reports', 1);
    await joinChat();
    await api.came('reports', 3);
    expect(api.reports[2]?.body.connections).toBe(1);
    expect(api.reports[2]!.at - api.reports[1]!.at).toBeGreaterThanOrEqual(450);
    await joinChat();
    await eventually(() => expect(server.output()).toContain('The API answers again.'));
    expect(api.reports.at(-1)?.body.connections).toBe(2);
  });

  it('corrects at once what a report said whose answer was lost', async () => {
    const api = await TestApi.start();
    const forwarded = (connections: number) => ({ sequence: 7, connections, ageMs: 0, tokens: 10 });
    api.report = ({ connections }) =>
      connections > 0 ? 'lost' : { status: 200, body: reportReply({ forwarded: forwarded(connections) }) };
    const { join: joinChat } = await startMachine(api);
    await api.came('reports', 1);
    const ada = await joinChat();
    await api.came('reports', 2);
    ada.socket.close();
    await eventually(() => expect(api.reports.at(-1)?.body.connections).toBe(0));
    // The API may have told the workflow of Ada: what it knew before says nothing any more.
    expect(api.reports.at(-1)?.body.forwarded).toBeNull();
  });

  it('waits as long as a 429 asks', async () => {
    const api = await TestApi.start();
    const replies: Reply[] = [{ status: 429, headers: { 'retry-after': '2' } }];
    api.report = () => replies.shift() ?? { status: 200, body: reportReply() };
    await startMachine(api);
    await api.came('reports', 2);
    expect(api.reports[1]!.at - api.reports[0]!.at).toBeGreaterThanOrEqual(1950);
  });

  it('takes a new token from an answer', async () => {
    const api = await TestApi.start();
    api.report = (_report, { authorization }) => {
      const renewed = authorization === 'Bearer token-1' ? { token: 'token-2' } : {};
      return { status: 200, body: reportReply({ nextReportSeconds: 0.2, ...renewed }) };
    };
    await startMachine(api);
    await api.came('reports', 3);
    const tokens = api.reports.slice(0, 3).map(({ authorization }) => authorization);
    expect(tokens).toEqual(['Bearer token-1', 'Bearer token-2', 'Bearer token-2']);
  });

  it('proves itself again when its token is refused, and reports what it missed with the new one', async () => {
    const api = await TestApi.start();
    api.report = () => {
      api.exchange = () => ({ status: 200, body: { token: 'token-2', nextReportSeconds: 60 } });
      api.report = () => ({ status: 200, body: reportReply() });
      return { status: 401 };
    };
    const { server, join: joinChat } = await startMachine(api);
    await joinChat();
    await api.came('reports', 2);
    expect(api.reports.at(-1)).toMatchObject({ authorization: 'Bearer token-2', body: { connections: 1 } });
    expect(api.exchanges).toHaveLength(2);
    await eventually(() => expect(server.output()).toContain('takes reports of this machine again'));
  });

  it('tries its old token too while it can prove nothing', async () => {
    const api = await TestApi.start();
    const refused: Reply[] = [{ status: 401 }];
    api.report = () => {
      api.exchange = () => ({ status: 401 });
      return refused.shift() ?? { status: 200, body: reportReply() };
    };
    await startMachine(api);
    await api.came('reports', 2);
    expect(api.exchanges).toHaveLength(2);
    expect(api.reports.map(({ authorization }) => authorization)).toEqual(['Bearer token-1', 'Bearer token-1']);
  });

  it('carries back what was forwarded, with its age', async () => {
    const api = await TestApi.start();
    const forwarded = { sequence: 7, connections: 1, ageMs: 5000, tokens: 9.5 };
    api.report = () => ({ status: 200, body: reportReply({ nextReportSeconds: 0.3, forwarded }) });
    await startMachine(api);
    await api.came('reports', 2);
    const carried = api.reports[1]!.body.forwarded!;
    expect(carried).toMatchObject({ sequence: 7, connections: 1, tokens: 9.5 });
    expect(carried.ageMs).toBeGreaterThanOrEqual(5300);
    expect(carried.ageMs).toBeLessThan(8000);
  });

  it('drains and admits again as the answers say', async () => {
    const api = await TestApi.start();
    let draining = false;
    api.report = () => ({ status: 200, body: reportReply({ nextReportSeconds: 0.2, draining }) });
    const { join: joinChat } = await startMachine(api);
    const ada = await joinChat();
    draining = true;
    await ada.hears({ type: 'notice', text: expect.stringContaining('takes nobody new') });
    await expect(joinChat()).rejects.toThrow('503');
    draining = false;
    await ada.hears({ type: 'notice', text: 'This server takes newcomers again.' });
    await joinChat();
  });

  it('serves the agent of a foreign program too', async () => {
    const api = await TestApi.start();
    const secretFile = join(tempDir(), 'secret');
    writeFileSync(secretFile, SECRET, { mode: 0o600 });
    const { port } = new URL(api.url);
    const options = ['--api-url', `${api.url}/`, '--secret-file', secretFile, '--count-port', port, '--local-port'];
    const agent = await startVmServer('agent', ...options, String(await freePort()));
    await api.came('reports', 1);
    // What it counts is the API's own port, so it sees its own report under way.
    expect(api.reports[0]?.body.connections).toBeLessThanOrEqual(1);
    expect(api.reports[0]?.body.ready).toBe(true);
    expect(existsSync(secretFile)).toBe(false);
    agent.process.kill('SIGTERM');
    expect(await agent.exitCode).toBe(0);
  });

  it('asks on while its machine waits for a VM, though its program says nothing, and then proves itself anew at once', async () => {
    const api = await TestApi.start();
    let isWaiting = true;
    api.report = (_report, { authorization }) => {
      if (authorization === 'Bearer of-the-vm') return { status: 200, body: reportReply({ assignment: ASSIGNMENT }) };
      if (!isWaiting) return { status: 401 };
      return { status: 200, body: reportReply({ waits: true, nextReportSeconds: 0.2 }) };
    };
    const attributes = { 'ephemera-agent-secret': 'of-the-pool' };
    const secretFile = join(tempDir(), 'secret');
    writeFileSync(secretFile, 'of-the-pool', { mode: 0o600 });
    const options = ['--api-url', api.url, '--secret-file', secretFile, '--secret-from', 'gce', '--metadata-url'];
    await startVmServer('agent', ...options, await metadataOf(attributes), '--local-port', String(await freePort()));
    await api.came('reports', 4);
    expect(api.reports.map(({ body }) => body.assigned)).toEqual(api.reports.map(() => undefined));

    attributes['ephemera-agent-secret'] = 'of-the-vm';
    api.exchange = () => ({ status: 200, body: { token: 'of-the-vm', nextReportSeconds: 1 } });
    isWaiting = false;
    await eventually(() => expect(api.reports.at(-1)?.body.assigned).toEqual({ state: 'done' }));
    expect(api.exchanges.map(({ body }) => body['secret'])).toEqual(['of-the-pool', 'of-the-vm']);
  });

  it('says that a machine without its secret cannot report', async () => {
    const machine = newMachine({ link: { kind: 'http', apiUrl: 'http://127.0.0.1:9' } });
    const server = await machine.start();
    expect(await server.exitCode).toBe(1);
    expect(server.output()).toContain(LOCAL_MACHINE_FILE.agentSecret);
  });
});
