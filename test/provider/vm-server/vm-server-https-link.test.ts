import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LOCAL_MACHINE_FILE } from '../../../domain/machine/local-machine.ts';
import { freePort } from '../../../test-support/free-port.ts';
import { TestAuthority } from '../../../test-support/certificate.ts';
import {
  eventually,
  newMachine,
  startVmServer,
  tempDir,
  type VmServer,
} from '../../../test-support/vm-server-processes.ts';

const SECRET = 'one-time-secret-of-this-machine';
const NOT_TRUSTED = 'its certificate is not trusted';

interface Call {
  path: string;
  authorization: string | undefined;
  body: Record<string, unknown>;
}

/** The agent's API over https: it remembers what came through each connection. */
class TestApi {
  readonly calls: Call[] = [];
  readonly authority: TestAuthority;
  url = '';
  endedConnections = 0;
  /** What came over the connections once they were encrypted. */
  receivedBytes = 0;
  grantedToken = 'token-1';
  report: (call: Call) => { status: number; body?: unknown } = () => ({ status: 200, body: reportReply() });

  private constructor(authority: TestAuthority) {
    this.authority = authority;
  }

  static async start(names = 'IP:127.0.0.1'): Promise<TestApi> {
    const api = new TestApi(new TestAuthority());
    const server = createServer(api.authority.certify(names), (request, response) => {
      void api.#answer(request, response);
    });
    server.on('connection', (socket: Socket) => socket.once('close', () => api.endedConnections++));
    server.on('secureConnection', (socket) => {
      socket.on('data', (chunk: Buffer) => (api.receivedBytes += chunk.length));
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    api.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    return api;
  }

  get exchanges(): Call[] {
    return this.calls.filter(({ path }) => path === '/v1/agent/exchange');
  }

  get reports(): Call[] {
    return this.calls.filter(({ path }) => path === '/v1/agent/report');
  }

  async came(reports: number): Promise<void> {
    await eventually(() => expect(this.reports.length).toBeGreaterThanOrEqual(reports));
  }

  /** Resolves when an agent tried twice; fails if it said anything on the way. */
  async wasTriedInVain(): Promise<void> {
    await eventually(() => expect(this.endedConnections).toBeGreaterThanOrEqual(2));
    expect(this.receivedBytes).toBe(0);
    expect(this.calls).toEqual([]);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const body = JSON.parse(text) as Call['body'];
    const call = { path: request.url ?? '', authorization: request.headers.authorization, body };
    this.calls.push(call);
    const granted = { status: 200, body: { token: this.grantedToken, nextReportSeconds: 60 } };
    const reply = call.path === '/v1/agent/report' ? this.report(call) : granted;
    response.writeHead(reply.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(reply.body ?? {}));
  }
}

function reportReply(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return { nextReportSeconds: 60, forwarded: null, draining: false, ...overrides };
}

/** What programs started from now on find in their environment. */
function setEnvironment(name: string, value: string | undefined): void {
  vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

/** The files of an agent that can be started again and again. */
class AgentFiles {
  readonly dir = tempDir();
  readonly secret = join(this.dir, 'secret');
  readonly token = join(this.dir, 'agent-token');

  constructor() {
    this.putSecret();
  }

  putSecret(): void {
    writeFileSync(this.secret, `${SECRET}\n`, { mode: 0o600 });
  }

  async start(api: TestApi, ...more: string[]): Promise<VmServer> {
    const ports = ['--count-port', String(await freePort()), '--local-port', String(await freePort())];
    return startVmServer('agent', '--api-url', api.url, '--secret-file', this.secret, ...ports, ...more);
  }
}

async function killHard(agent: VmServer): Promise<void> {
  agent.process.kill('SIGKILL');
  await agent.exitCode;
}

describe('the link over HTTPS', () => {
  it('exchanges its secret and reports where it knows the authority of the API', async () => {
    const api = await TestApi.start();
    setEnvironment('NODE_EXTRA_CA_CERTS', api.authority.file);
    const files = new AgentFiles();
    const agent = await files.start(api);
    await api.came(1);
    expect(api.exchanges.map(({ body }) => body['secret'])).toEqual([SECRET]);
    expect(api.reports[0]?.authorization).toBe('Bearer token-1');
    expect(api.receivedBytes).toBeGreaterThan(0);
    expect(existsSync(files.secret)).toBe(false);
    expect(agent.output()).not.toContain(SECRET);
    expect(agent.output()).not.toContain('token-1');
  });

  it('says nothing to an API of an unknown authority, tells its console, and tries again', async () => {
    const api = await TestApi.start();
    setEnvironment('NODE_EXTRA_CA_CERTS', undefined);
    const files = new AgentFiles();
    const agent = await files.start(api);
    await api.wasTriedInVain();
    expect(agent.output()).toContain(NOT_TRUSTED);
    expect(agent.output()).toContain('NODE_EXTRA_CA_CERTS');
    expect(agent.output()).not.toContain(SECRET);
    expect(agent.process.exitCode).toBeNull();
    // Its secret was not spent: told of the authority, it can start anew.
    await killHard(agent);
    setEnvironment('NODE_EXTRA_CA_CERTS', api.authority.file);
    await files.start(api);
    await api.came(1);
    expect(api.exchanges).toHaveLength(1);
  });

  it('knows the API by the certificate that it was given, and by no other', async () => {
    const api = await TestApi.start();
    setEnvironment('NODE_EXTRA_CA_CERTS', undefined);
    await new AgentFiles().start(api, '--ca-file', api.authority.file);
    await api.came(1);
    const other = await TestApi.start();
    // What the whole system trusts does not count for an agent that was told whom to trust.
    setEnvironment('NODE_EXTRA_CA_CERTS', other.authority.file);
    const agent = await new AgentFiles().start(other, '--ca-file', api.authority.file);
    await other.wasTriedInVain();
    expect(agent.output()).toContain(NOT_TRUSTED);
  });

  it('says nothing to a server with the certificate of another name', async () => {
    const api = await TestApi.start('DNS:elsewhere.example');
    setEnvironment('NODE_EXTRA_CA_CERTS', api.authority.file);
    const agent = await new AgentFiles().start(api);
    await api.wasTriedInVain();
    expect(agent.output()).toContain('does not match certificate');
  });

  it('is the same for a machine, whose own environment cannot switch verification off', async () => {
    const api = await TestApi.start();
    const newHttpsMachine = () => {
      const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
      const machine = newMachine({ link: { kind: 'http', apiUrl: api.url }, env });
      writeFileSync(join(machine.dir, LOCAL_MACHINE_FILE.agentSecret), SECRET, { mode: 0o600 });
      return machine;
    };
    setEnvironment('NODE_EXTRA_CA_CERTS', undefined);
    const stranger = await newHttpsMachine().start();
    await api.wasTriedInVain();
    expect(stranger.output()).toContain(NOT_TRUSTED);
    await killHard(stranger);
    setEnvironment('NODE_EXTRA_CA_CERTS', api.authority.file);
    await newHttpsMachine().start();
    await api.came(1);
    expect(api.reports[0]).toMatchObject({ authorization: 'Bearer token-1', body: { connections: 0, ready: true } });
  });

  it('is trusted by a machine whose manifest says by which certificate', async () => {
    const api = await TestApi.start();
    setEnvironment('NODE_EXTRA_CA_CERTS', undefined);
    const apiCa = readFileSync(api.authority.file, 'utf8');
    const machine = newMachine({ link: { kind: 'http', apiUrl: api.url, apiCa } });
    writeFileSync(join(machine.dir, LOCAL_MACHINE_FILE.agentSecret), SECRET, { mode: 0o600 });
    await machine.start();
    await api.came(1);
  });
});

describe('an agent that is started again in a living machine', () => {
  async function startTrusted(): Promise<{ api: TestApi; files: AgentFiles; agent: VmServer }> {
    const api = await TestApi.start();
    setEnvironment('NODE_EXTRA_CA_CERTS', api.authority.file);
    const files = new AgentFiles();
    const agent = await files.start(api);
    await api.came(1);
    return { api, files, agent };
  }

  it('reports on with its latest token after kill -9, without an exchange', async () => {
    const { api, files, agent } = await startTrusted();
    expect(readFileSync(files.token, 'utf8')).toBe('token-1');
    expect(statSync(files.token).mode & 0o777).toBe(0o600);
    await killHard(agent);

    api.report = () => ({ status: 200, body: reportReply({ token: 'token-2' }) });
    const second = await files.start(api);
    await api.came(2);
    await eventually(() => expect(readFileSync(files.token, 'utf8')).toBe('token-2'));
    expect(statSync(files.token).mode & 0o777).toBe(0o600);
    expect(readdirSync(files.dir)).toEqual(['agent-token']);
    await killHard(second);

    await files.start(api);
    await api.came(3);
    const tokens = api.reports.map(({ authorization }) => authorization);
    expect(tokens).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
    const sequences = api.reports.map(({ body }) => body['sequence'] as number);
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
    expect(api.exchanges).toHaveLength(1);
  });

  it('says so when its kept token is refused, and goes on trying it', async () => {
    const { api, files, agent } = await startTrusted();
    await killHard(agent);
    const taken = api.report;
    api.report = () => {
      api.report = taken;
      return { status: 401 };
    };
    const second = await files.start(api);
    await eventually(() => expect(second.output()).toContain('refused this machine (401)'));
    await api.came(3);
    expect(second.process.exitCode).toBeNull();
    expect(api.exchanges).toHaveLength(1);
    expect(api.reports.map(({ authorization }) => authorization)).toEqual(Array(3).fill('Bearer token-1'));
  });

  it('prefers a new secret to the token of an earlier machine', async () => {
    const { api, files, agent } = await startTrusted();
    await killHard(agent);
    files.putSecret();
    api.grantedToken = 'token-of-the-new-machine';
    await files.start(api);
    await api.came(2);
    expect(api.reports[1]?.authorization).toBe('Bearer token-of-the-new-machine');
    expect(readFileSync(files.token, 'utf8')).toBe('token-of-the-new-machine');
    expect(existsSync(files.secret)).toBe(false);
  });

  it('reports and tells its console when it cannot keep its token', async () => {
    const api = await TestApi.start();
    setEnvironment('NODE_EXTRA_CA_CERTS', api.authority.file);
    const files = new AgentFiles();
    mkdirSync(files.token);
    const agent = await files.start(api);
    await api.came(1);
    expect(agent.output()).toContain('cannot report after a restart');
    expect(agent.output()).not.toContain('token-1');
  });

  it('ends and says what is missing when it has neither secret nor token', async () => {
    const { api, files, agent } = await startTrusted();
    await killHard(agent);
    writeFileSync(files.token, '');
    const second = await files.start(api);
    expect(await second.exitCode).toBe(1);
    expect(second.output()).toContain(files.secret);
    expect(second.output()).toContain(files.token);
  });
});
