/** The API over TLS with a certificate that only its machines trust: the real API, worker, machine and agent. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request as plainRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startApi } from '../../api/server.ts';
import { ensureFirstKey } from '../../security/keys/first-key.ts';
import { loadSettings } from '../../config/load-settings.ts';
import { freePort } from '../../test-support/free-port.ts';
import { TestAuthority } from '../../test-support/certificate.ts';
import { tempDir } from '../../test-support/vm-server-processes.ts';
import { startStack } from '../../test-support/stack.ts';
import { startTestServer } from '../../test-support/temporal-server.ts';

it('gives a machine its secrets over TLS, and speaks to nobody in plain text', async () => {
  const dir = tempDir();
  const authority = new TestAuthority();
  const { cert, key } = authority.certify('IP:127.0.0.1');
  const files = { cert: join(dir, 'api.pem'), key: join(dir, 'api.key') };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key, { mode: 0o600 });
  const port = await freePort();
  const server = await startTestServer();
  onTestFinished(() => server.stop());
  const stack = await startStack({
    ...{ server, agentTransport: 'http', apiReplicas: 0 },
    env: {
      EPHEMERA_API_PORT: `${port}`,
      EPHEMERA_API_URL: `https://127.0.0.1:${port}`,
      EPHEMERA_API_TLS_CERT: files.cert,
      EPHEMERA_API_TLS_KEY: files.key,
      EPHEMERA_API_CA_CERT: authority.file,
    },
  });
  onTestFinished(() => stack.stop());
  const settings = loadSettings({ argv: [], env: stack.env, cwd: dir });
  await ensureFirstKey(settings);
  const connection = Connection.lazy({ address: server.address });
  const client = new Client({ connection, namespace: settings.temporal.namespace });
  const api = await startApi({ settings, client, log: pino({ level: 'silent' }) });
  onTestFinished(() => api.close().then(() => connection.close()));
  expect(api.url).toBe(`https://127.0.0.1:${port}`);

  const ca = readFileSync(authority.file, 'utf8');
  // The fetch of the client takes no certificate of an authority of one's own.
  const call = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/json' };
    const asked = request(`${api.url}${path}`, { method, ca, headers, agent: false });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return { status: answer.statusCode, text: await text(answer) };
  };
  await vi.waitFor(async () => expect((await call('GET', '/readyz')).status).toBe(200), 20_000);

  const ran = join(dir, 'ran');
  const token = `token-${randomUUID()}`;
  const spec = {
    template: 'chat',
    env: { RAN: ran },
    secretEnv: { TOKEN: token },
    startupScript: 'echo "$TOKEN" > "$RAN"',
  };
  const made = await call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { name: 'vault', ...spec });
  expect(made.status, `${made.text}\n${await stack.logs()}`).toBe(201);
  expect(readFileSync(ran, 'utf8')).toBe(`${token}\n`);

  const outcomeOf = (asked: ClientRequest): Promise<number | string | undefined> =>
    new Promise((resolve) => {
      asked.on('response', ({ statusCode }) => resolve(statusCode));
      asked.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code));
      asked.end();
    });
  const untrusting = request(`${api.url}/healthz`, { agent: false });
  expect(await outcomeOf(untrusting)).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  expect(await outcomeOf(plainRequest(`http://127.0.0.1:${port}/healthz`, { agent: false }))).not.toBe(200);
  expect((await call('DELETE', '/v1/vms/vault?wait=destroyed&timeoutSeconds=30')).status).toBe(200);
});
