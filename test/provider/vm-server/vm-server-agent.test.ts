import { writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../../test-support/free-port.ts';
import {
  HostEnd,
  eventually,
  startVmServer,
  tempDir,
  type VmServer,
} from '../../../test-support/vm-server-processes.ts';

interface ForeignServer {
  port: number;
  join: (host: string) => Promise<Socket>;
}

/** A program that knows nothing of the agent: it accepts connections on IPv4 and IPv6. */
async function foreignServer(port = 0): Promise<ForeignServer> {
  const accepted = new Set<Socket>();
  const server = createServer((socket) => {
    accepted.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen({ host: '::', port }, resolve));
  onTestFinished(() => {
    for (const socket of accepted) socket.destroy();
    server.close();
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    join: (host) =>
      new Promise((resolve, reject) => {
        const socket = connect(bound, host, () => resolve(socket));
        socket.once('error', reject);
        onTestFinished(() => void socket.destroy());
      }),
  };
}

async function startAgent(
  ...args: string[]
): Promise<{ host: HostEnd; localUrl: string; agent: VmServer; socketPath: string }> {
  const socketPath = join(tempDir(), 'agent.sock');
  const localPort = await freePort();
  const agent = await startVmServer('agent', '--socket', socketPath, '--local-port', String(localPort), ...args);
  const host = await HostEnd.connect(socketPath);
  return { host, localUrl: `http://127.0.0.1:${localPort}`, agent, socketPath };
}

function put(url: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/connections`, { method: 'PUT', body, headers });
}

describe('the agent of a foreign program', () => {
  it('counts the TCP clients of its port, IPv4 and IPv6', async () => {
    const foreign = await foreignServer();
    const { host } = await startAgent('--count-port', String(foreign.port));
    await host.report(({ connections, ready }) => ready && connections === 0);
    const ada = await foreign.join('127.0.0.1');
    await host.report(({ connections }) => connections === 1);
    const bob = await foreign.join('::1');
    await host.report(({ connections }) => connections === 2);
    ada.destroy();
    await eventually(() => expect(host.last()?.connections).toBe(1));
    bob.destroy();
    await eventually(() => expect(host.last()?.connections).toBe(0));
  });

  it('answers a confirm with a fresh count, not with the last poll', async () => {
    const foreign = await foreignServer();
    const { host } = await startAgent('--count-port', String(foreign.port));
    await host.report(({ connections }) => connections === 0);
    await Promise.all([foreign.join('127.0.0.1'), foreign.join('127.0.0.1'), foreign.join('::1')]);
    host.send({ type: 'confirm', id: 'now' });
    expect((await host.report(({ answers }) => answers === 'now')).connections).toBe(3);
  });

  it('is ready once the port of the program accepts, and does not count its own knocking', async () => {
    const port = await freePort();
    const { host } = await startAgent('--count-port', String(port), '--ready-port', String(port));
    await host.report(({ ready }) => !ready);
    await foreignServer(port);
    await host.report(({ ready }) => ready);
    host.send({ type: 'confirm', id: 'ready' });
    await host.report(({ answers }) => answers === 'ready');
    expect(new Set(host.counts)).toEqual(new Set([0]));
  });

  it('takes the number that the program puts, and says nothing before the first one', async () => {
    const { host, localUrl } = await startAgent();
    const status = await fetch(`${localUrl}/status`);
    expect(await status.json()).toEqual({ connections: null, ready: true, draining: false });
    host.send({ type: 'confirm', id: 'too early' });
    expect((await put(localUrl, '3')).status).toBe(200);
    await host.report(({ connections, ready }) => connections === 3 && ready);
    const answer = await put(localUrl, '{"connections": 0}');
    expect(await answer.json()).toEqual({ connections: 0, ready: true, draining: false });
    await host.report(({ connections }) => connections === 0);
    expect(host.counts).toEqual([3, 0]);
    expect(host.reports.some(({ answers }) => answers !== undefined)).toBe(false);
  });

  it('refuses what is no count, too much, or from a web page', async () => {
    const { host, localUrl } = await startAgent();
    await put(localUrl, '5');
    for (const body of ['', '-1', '1.5', 'many', '{"connections":"3"}', `${' '.repeat(2000)}3`]) {
      expect((await put(localUrl, body)).status, body).toBe(400);
    }
    expect((await put(localUrl, '0', { origin: 'http://somewhere.test' })).status).toBe(403);
    expect((await fetch(`${localUrl}/connections`)).status).toBe(405);
    expect((await fetch(`${localUrl}/elsewhere`)).status).toBe(404);
    host.send({ type: 'confirm', id: 'c' });
    expect((await host.report(({ answers }) => answers === 'c')).connections).toBe(5);
  });

  it('refuses a put number when it counts by itself', async () => {
    const foreign = await foreignServer();
    const { localUrl } = await startAgent('--count-port', String(foreign.port));
    expect((await put(localUrl, '3')).status).toBe(409);
  });

  it('tells the program that it drains when the program asks', async () => {
    const { host, localUrl } = await startAgent();
    await put(localUrl, '1');
    host.send({ type: 'drain', draining: true });
    await eventually(async () => {
      const status = (await (await fetch(`${localUrl}/status`)).json()) as { draining: boolean };
      expect(status.draining).toBe(true);
    });
  });

  it("ends with 0 on the host's word", async () => {
    const { host, agent } = await startAgent();
    host.send({ type: 'shutdown', graceSeconds: 1 });
    expect(await agent.exitCode).toBe(0);
  });

  it('takes over the socket of an agent that was killed, with higher sequence numbers', async () => {
    const foreign = await foreignServer();
    const count = ['--count-port', String(foreign.port)];
    const { host, agent, socketPath } = await startAgent(...count);
    const before = await host.report(() => true);
    agent.process.kill('SIGKILL');
    await agent.exitCode;
    await startVmServer('agent', '--socket', socketPath, '--local-port', String(await freePort()), ...count);
    const after = await (await HostEnd.connect(socketPath)).report(() => true);
    expect(after.sequence).toBeGreaterThan(before.sequence);
  });

  it('does not take the socket of an agent that lives', async () => {
    const { socketPath, host, localUrl } = await startAgent();
    const second = await startVmServer('agent', '--socket', socketPath, '--local-port', String(await freePort()));
    expect(await second.exitCode).toBe(1);
    expect(second.output()).toContain('another agent listens on');
    await put(localUrl, '1');
    await (host.socket.destroyed ? await HostEnd.connect(socketPath) : host).report(() => true);
  });

  it('says what is wrong with its command line', async () => {
    const agent = await startVmServer('agent', '--count-port', 'many');
    expect(await agent.exitCode).toBe(2);
    expect(agent.output()).toContain('either --socket <path>');
  });

  it('says when its secret file cannot be used', async () => {
    const dir = tempDir();
    writeFileSync(join(dir, 'empty'), '\n');
    for (const [file, words] of [
      ['missing', 'missing'],
      ['empty', 'is empty'],
    ] as const) {
      const api = ['--api-url', 'http://127.0.0.1:9', '--secret-file', join(dir, file)];
      const agent = await startVmServer('agent', ...api, '--local-port', String(await freePort()));
      expect(await agent.exitCode).toBe(1);
      expect(agent.output()).toContain(words);
    }
  });
});
