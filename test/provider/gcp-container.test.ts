/**
 * The startup script of machines that run a container, run by a real shell. Docker and the metadata server are played
 * by the test, which runs what the agent's container would run.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { GCP_RULES } from '../../domain/gcp-rules.ts';
import { containerScript } from '../../providers/gcp/container-script.ts';
import { instanceResource } from '../../providers/gcp/instance-resource.ts';
import { freePort } from '../free-port.ts';
import { chatOnGcp, gcpRequest } from './gce-server/harness.ts';

const VM_SERVER_FILE = resolve(import.meta.dirname, '../../dist/vm-server.cjs');
const WAIT = { timeout: 20_000, interval: 50 };

let directory: string;
let api: Server;
let url: string;
let attributes: Record<string, string>;
let reports: { connections?: number; ready?: boolean }[];
let exchanges: unknown[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'eph-container-'));
  [reports, exchanges] = [[], []];
  api = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (request.method === 'POST') {
      void json(request).then((body) => {
        (pathname === '/v1/agent/exchange' ? exchanges : reports).push(body);
        const reply = { token: 'report-token', nextReportSeconds: 1, forwarded: null, draining: false };
        response.setHeader('content-type', 'application/json').end(JSON.stringify(reply));
      });
      return;
    }
    if (pathname === '/v1/agent/vm-server.cjs') return void response.end(readFileSync(VM_SERVER_FILE));
    const value = attributes[pathname.split('/').at(-1) ?? ''];
    if (value === undefined || request.headers['metadata-flavor'] !== 'Google') response.writeHead(404);
    response.end(value);
  });
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
});

afterEach(() => {
  const pidFile = join(directory, 'agent.pid');
  if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
  api.close();
  api.closeAllConnections();
  rmSync(directory, { recursive: true, force: true });
});

/** A program of the machine, played by JavaScript: `args` are its arguments. */
function plays(name: string, body: string): void {
  const path = join(directory, name);
  writeFileSync(
    path,
    `#!${process.execPath}
const { spawn } = require('node:child_process');
const { appendFileSync, writeFileSync } = require('node:fs');
const args = process.argv.slice(2);
appendFileSync(${JSON.stringify(join(directory, 'calls'))}, [${JSON.stringify(name)}, ...args].join(' ') + '\\n');
${body}
`,
  );
  chmodSync(path, 0o755);
}

function playTheMachine(localPort: number): void {
  plays('iptables', '');
  plays(
    'curl',
    `const out = args.indexOf('-o');
const flavor = args.includes('-H') ? { 'metadata-flavor': 'Google' } : {};
fetch(args.at(-1).replace('http://metadata.google.internal', ${JSON.stringify(url)}), { headers: flavor }).then(async (reply) => {
  if (!reply.ok) process.exit(22);
  const data = Buffer.from(await reply.arrayBuffer());
  if (out < 0) process.stdout.write(data);
  else writeFileSync(args[out + 1], data);
});`,
  );
  plays(
    'docker',
    `const node = args.indexOf('node');
if (node >= 0) {
  const agent = args.slice(node + 1).map((text) => text.replace('/ephemera/', ${JSON.stringify(`${directory}/`)}));
  const child = spawn(process.execPath, [...agent, '--local-port', '${localPort}'], { detached: true, stdio: 'ignore' });
  writeFileSync(${JSON.stringify(join(directory, 'agent.pid'))}, String(child.pid));
  child.unref();
}`,
  );
}

it('starts the container with its environment, and an agent that counts who is connected to it', async () => {
  const app = createTcpServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(app, 'listening');
  const { port } = app.address() as AddressInfo;
  attributes = {
    'ephemera-api-url': url,
    'ephemera-agent-secret': 'one-time',
    'ephemera-container-environment': 'MOTD=hello world\n',
  };
  playTheMachine(await freePort());
  const script = containerScript({
    vmServerUrl: `${url}/v1/agent/vm-server.cjs`,
    identity: 'secret',
    apiCa: 'none',
    container: 'docker.io/library/redis:8',
    ports: [{ name: 'redis', port, protocol: 'tcp' }],
    directory,
  });
  const env = { PATH: `${directory}:${process.env['PATH'] ?? ''}` };
  await promisify(execFile)('sh', ['-c', script], { env });

  const calls = readFileSync(join(directory, 'calls'), 'utf8').split('\n');
  const started = calls.filter((call) => call.startsWith('docker run'));
  expect(started).toHaveLength(2);
  expect(started[0]).toMatch(/--network host --env-file environment .*docker\.io\/library\/redis:8$/);
  expect(readFileSync(join(directory, 'environment'), 'utf8')).toBe('MOTD=hello world\n');
  expect(calls).toContain(`iptables -w -I INPUT -p tcp --dport ${port} -j ACCEPT`);
  expect(calls.join('\n')).not.toContain('one-time');

  await vi.waitFor(() => expect(reports.at(-1)).toMatchObject({ ready: true, connections: 0 }), WAIT);
  expect(exchanges[0]).toMatchObject({ secret: 'one-time' });
  const user = connect(port, '127.0.0.1');
  await vi.waitFor(() => expect(reports.at(-1)).toMatchObject({ connections: 1 }), WAIT);
  user.destroy();
  await vi.waitFor(() => expect(reports.at(-1)).toMatchObject({ connections: 0 }), WAIT);
  app.close();
});

it('is what an instance of a container image starts with; the disk is Container-Optimized OS', () => {
  const spec = chatOnGcp({ image: 'container:nginx:1', env: { MOTD: 'hello' } });
  const resource = instanceResource(gcpRequest({ spec }), 'us-central1-a', {
    deployment: 'test',
    project: 'p',
    machineServiceAccount: null,
    vmServerUrl: 'http://10.0.0.2:7400/v1/agent/vm-server.cjs',
    diskType: 'hyperdisk-balanced',
    rules: GCP_RULES,
  });
  const parameters = resource.disks?.[0]?.initializeParams;
  expect(parameters?.sourceImage).toBe('projects/cos-cloud/global/images/family/cos-stable');
  expect(parameters?.diskType).toBe('zones/us-central1-a/diskTypes/hyperdisk-balanced');
  const items = Object.fromEntries((resource.metadata?.items ?? []).map(({ key, value }) => [key, value]));
  expect(items['ephemera-container-environment']).toBe('MOTD=hello\n');
  expect(items['startup-script']).toContain("'nginx:1'");
});
