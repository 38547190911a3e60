/** How a machine on Compute Engine knows its API, over TLS: its metadata, and its startup script by a real shell. */
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { GCP_RULES } from '../../../providers/gcp/rules.ts';
import type { CreateMachineRequest } from '../../../domain/machine/provider.ts';
import { instanceResource } from '../../../providers/gcp/machine/instance-resource.ts';
import { checkRequest } from '../../../providers/gcp/spec-check.ts';
import { freePort } from '../../../test-support/free-port.ts';
import { TestAuthority } from '../../../test-support/certificate.ts';
import { chatOnGcp, gcpRequest } from '../../../test-support/gce-server/harness.ts';
import { eventually, startVmServer, tempDir } from '../../../test-support/vm-server-processes.ts';

const VM_SERVER_FILE = resolve(import.meta.dirname, '../../../dist/vm-server.cjs');
const missing = spawnSync('curl', ['--version']).status === 0 ? '' : ' (needs curl)';

function metadataOf(request: CreateMachineRequest, vmServerUrl: string): Record<string, string> {
  const defaults = {
    deployment: 'test',
    project: 'p',
    machineServiceAccount: null,
    diskType: 'pd-ssd',
    rules: GCP_RULES,
  };
  const { metadata } = instanceResource(request, 'us-central1-a', { ...defaults, vmServerUrl });
  return Object.fromEntries((metadata?.items ?? []).map(({ key, value }) => [key, value]));
}

interface TlsApi {
  url: string;
  authority: TestAuthority;
  paths: string[];
  reports: unknown[];
}

/** An API over TLS, with a certificate that nobody knows unless told. */
async function tlsApi(): Promise<TlsApi> {
  const authority = new TestAuthority();
  const api: TlsApi = { url: '', authority, paths: [], reports: [] };
  const server = createServer(
    authority.certify('IP:127.0.0.1'),
    (request, response) => void answer(api, request, response),
  );
  api.url = `https://127.0.0.1:${await listening(server)}`;
  return api;
}

async function answer(api: TlsApi, request: IncomingMessage, response: ServerResponse): Promise<void> {
  api.paths.push(request.url ?? '');
  if (request.method !== 'POST') return void response.end(readFileSync(VM_SERVER_FILE));
  const body = await json(request);
  if (request.url === '/v1/agent/report') api.reports.push(body);
  const reply = { token: 'report-token', nextReportSeconds: 1, forwarded: null, draining: false };
  response.setHeader('content-type', 'application/json').end(JSON.stringify(reply));
}

async function listening(server: Server | ReturnType<typeof createHttpServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

async function metadataServer(attributes: Record<string, string>): Promise<string> {
  const server = createHttpServer((request, response) => {
    const value = attributes[request.url?.split('/').at(-1) ?? ''];
    if (value === undefined) response.writeHead(404);
    response.end(value);
  });
  return `http://127.0.0.1:${await listening(server)}`;
}

const bootstrap = ({ url, authority }: TlsApi, known = true) => ({
  apiUrl: url,
  secret: 'one-time',
  ...(known ? { apiCa: readFileSync(authority.file, 'utf8') } : {}),
});

describe('a machine on Compute Engine', () => {
  it('is told by which certificate it knows its API, and gives it to curl for nobody else', () => {
    const agentBootstrap = { apiUrl: 'https://10.0.0.2:7400', apiCa: 'THE CERTIFICATE', secret: 's' };
    const own = metadataOf(gcpRequest({ agentBootstrap }), 'https://10.0.0.2:7400/v1/agent/vm-server.cjs');
    expect(own['ephemera-api-ca']).toBe('THE CERTIFICATE');
    expect(own['startup-script']).toMatch(/curl .*--cacert \/opt\/ephemera\/api-ca\.pem .*vm-server\.cjs'/);
    const bucket = metadataOf(gcpRequest({ agentBootstrap }), 'https://storage.example.test/vm-server.cjs');
    expect(bucket['ephemera-api-ca']).toBe('THE CERTIFICATE');
    expect(bucket['startup-script']).not.toContain('--cacert');
    const public_ = metadataOf(
      gcpRequest({ agentBootstrap: { apiUrl: agentBootstrap.apiUrl, secret: 's' } }),
      agentBootstrap.apiUrl,
    );
    expect(public_).not.toHaveProperty('ephemera-api-ca');
    expect(JSON.stringify(public_)).not.toContain('api-ca');
    for (const image of ['mine', 'container:nginx:1']) {
      const spec = chatOnGcp({ image });
      const script =
        metadataOf(gcpRequest({ spec, agentBootstrap }), 'https://10.0.0.2:7400/v')['startup-script'] ?? '';
      expect(script).toMatch(/agent --api-url "\$api_url" --ca-file \S+api-ca\.pem /);
      expect(spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' }).stderr).toBe('');
    }
  });

  it('is not made when its secrets would come over plain HTTP, whatever the API thought', () => {
    const sealed = { secretEnvNames: ['TOKEN'], startupScript: false };
    const check = (apiUrl: string, vmServerUrl: string | null, spec = chatOnGcp({ sealed })) =>
      checkRequest(gcpRequest({ spec, agentBootstrap: { apiUrl, secret: 's' } }), {
        ...{ project: 'p', rules: GCP_RULES, vmServerUrl },
      });
    const insecure = expect.objectContaining({ code: 'insecureTransport' }) as Error;
    expect(() => check('http://10.0.0.2:7400', null)).toThrow(insecure);
    expect(() => check('https://10.0.0.2:7400', 'http://10.0.0.2/vm-server.cjs')).toThrow(insecure);
    expect(() => check('https://10.0.0.2:7400', 'https://10.0.0.2/vm-server.cjs')).not.toThrow();
    expect(() => check('http://127.0.0.1:7400', null)).not.toThrow();
    expect(() => check('http://10.0.0.2:7400', null, chatOnGcp())).not.toThrow();
  });

  it.skipIf(missing)(
    `fetches its program and reports by its startup script, over TLS that it can check${missing}`,
    async () => {
      const api = await tlsApi();
      const request = gcpRequest({ spec: chatOnGcp({ image: 'mine', ports: [] }), agentBootstrap: bootstrap(api) });
      const script = await scriptOn(metadataOf(request, `${api.url}/v1/agent/vm-server.cjs`));
      const running = promisify(execFile)('sh', ['-c', script]);
      onTestFinished(() => void running.child.kill('SIGKILL'));
      running.catch(() => undefined);
      await eventually(() => expect(api.reports.length).toBeGreaterThan(0));
      expect(api.paths[0]).toBe('/v1/agent/vm-server.cjs');
    },
  );

  it.skipIf(missing)(`runs nothing from an API that it cannot check${missing}`, async () => {
    const api = await tlsApi();
    const request = gcpRequest({
      spec: chatOnGcp({ image: 'mine', ports: [] }),
      agentBootstrap: bootstrap(api, false),
    });
    const script = await scriptOn(metadataOf(request, `${api.url}/v1/agent/vm-server.cjs`));
    await expect(promisify(execFile)('sh', ['-c', script])).rejects.toMatchObject({ code: 60 });
    expect(api.paths).toEqual([]);
  });

  it('runs the chat that knows its API by the certificate in its metadata', async () => {
    const api = await tlsApi();
    const agentBootstrap = bootstrap(api);
    const url = await metadataServer(metadataOf(gcpRequest({ agentBootstrap }), `${api.url}/v1/agent/vm-server.cjs`));
    const ports = ['--host', '127.90.1.9', '--local-port', `${await freePort()}`, '--state-dir', tempDir()];
    await startVmServer('gce', '--metadata-url', url, ...ports);
    await eventually(() => expect(api.reports.at(-1)).toMatchObject({ connections: 0, ready: true }));
  });
});

/** The startup script of this metadata, with a directory of the test for that of the machine. */
async function scriptOn(metadata: Record<string, string>): Promise<string> {
  const url = await metadataServer(metadata);
  const directory = tempDir();
  writeFileSync(join(directory, 'console'), '');
  const localPort = await freePort();
  return (metadata['startup-script'] ?? '')
    .replaceAll('http://metadata.google.internal', url)
    .replaceAll('/opt/ephemera', directory)
    .replaceAll('/var/lib/ephemera', directory)
    .replaceAll('/dev/console', join(directory, 'console'))
    .replaceAll('agent --api-url', `agent --local-port ${localPort} --api-url`)
    .replaceAll('--retry 10 --retry-connrefused', '');
}
