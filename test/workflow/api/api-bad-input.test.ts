import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentTokens } from '../../../security/agents/agent-tokens.ts';
import { loadDeploymentSecret } from '../../../security/sealing/deployment-secret.ts';
import { problemSchema } from '../../../api/openapi.ts';
import {
  startTestApi,
  uniqueName,
  type ApiAnswer,
  type CallOptions,
  type TestApi,
} from '../../../test-support/workflow/api-harness.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';

/** No worker runs here: whatever is refused is refused by the API alone, and nothing may be created. */
let server: TestServer;
let api: TestApi;

beforeAll(async () => {
  server = await startTestServer();
  api = await startTestApi(server, 'nobody-works-here');
});
afterAll(async () => {
  const { count } = await server.client.workflow.count("WorkflowType = 'vm'");
  await api.close();
  await server.stop();
  expect(count).toBe(0);
});

async function refused(
  code: string,
  status: number,
  method: string,
  path: string,
  options?: CallOptions,
): Promise<ApiAnswer> {
  const answer = await api.call(method, path, options);
  expect([path, options?.body, answer.status, answer.body.code]).toEqual([path, options?.body, status, code]);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const problem = problemSchema.strict().parse(answer.body);
  expect(problem.status).toBe(answer.status);
  expect(problem.requestId).toBe(answer.headers.get('x-request-id'));
  expect(problem.type).toBe(`/docs/errors#${code}`);
  return answer;
}

const create = (code: string, status: number, body: unknown, headers?: Record<string, string>) =>
  refused(code, status, 'POST', '/v1/vms', { body, ...(headers ? { headers } : {}) });

describe('a body', () => {
  it('that is not JSON is refused', async () => {
    for (const body of ['{', '', '{"name": "lobby",}', 'name=lobby', '\u0000']) {
      await create('malformedBody', 400, body);
    }
    await refused('malformedBody', 400, 'POST', '/v1/vms', { headers: { 'content-type': 'application/json' } });
  });

  it('that is no object is refused', async () => {
    for (const body of ['null', '[]', '"chat"', '7', 'true']) await create('invalidRequest', 400, body);
  });

  it('that is too large is refused', async () => {
    await create('bodyTooLarge', 413, { template: 'chat', env: { BIG: 'x'.repeat(300_000) } });
  });

  it('of another media type or encoding is refused', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'nonsense']) {
      await create('unsupportedMediaType', 415, '{"template":"chat"}', { 'content-type': type });
    }
    await create('unsupportedMediaType', 415, { template: 'chat' }, { 'content-encoding': 'zstd-of-mine' });
    await create('unsupportedMediaType', 415, '{}', { 'content-type': 'application/json; charset=klingon' });
  });

  it('with unknown fields is refused, and the answer names them', async () => {
    const answer = await create('invalidRequest', 400, { template: 'chat', naem: 'lobby' });
    expect(answer.text).toContain('naem');
    await create('invalidRequest', 400, { template: 'chat', idle: { timeoutMinutes: 5 } });
    await create('invalidRequest', 400, { template: 'chat', ports: [{ name: 'a', port: 1, host: 'x' }] });
    await create('invalidRequest', 400, '{"template":"chat","__proto__":{"image":"x"}}');
  });

  it('with wrong types is refused', async () => {
    for (const wrong of [
      { name: 7 },
      { template: ['chat'] },
      { cpus: '2' },
      { cpus: 1.5 },
      { cpus: 0 },
      { memoryMb: 1e9 },
      { externalIp: 'yes' },
      { labels: ['a'] },
      { labels: { a: 1 } },
      { env: { A: null } },
      { env: { 'A=B': 'x' } },
      { env: { A: 'nul\u0000' } },
      { ports: [{ name: 'a', port: 70_000 }] },
      { readiness: { kind: 'ping' } },
      { idle: null },
      { onLost: 'ignore' },
    ]) {
      await create('invalidRequest', 400, { template: 'chat', ...wrong });
    }
  });

  it('with a bad name is refused', async () => {
    const names = ['', 'Lobby', '1lobby', 'lobby-', '-lobby', 'lob_by', 'a'.repeat(64), 'a/b', 'ä', 'lobby\n', '..'];
    for (const name of names) await create('invalidRequest', 400, { name, template: 'chat' });
    for (const name of ['Lobby', 'a'.repeat(64), '%20', 'a%2Fb', '%00']) {
      await refused('invalidRequest', 400, 'GET', `/v1/vms/${name}`);
      await refused('invalidRequest', 400, 'DELETE', `/v1/vms/${name}`);
    }
  });

  it('with negative or contradictory time-outs is refused', async () => {
    await create('invalidRequest', 400, { template: 'chat', idle: { timeoutSeconds: -1 } });
    await create('invalidRequest', 400, { template: 'chat', maxLifetimeSeconds: 0 });
    for (const more of [
      { idle: { timeoutSeconds: 61 } },
      { idle: { firstConnectTimeoutSeconds: 61 } },
      { softLifetimeSeconds: 61 },
      { readiness: { timeoutSeconds: 61 } },
    ]) {
      await create('contradictoryTimeouts', 400, { template: 'chat', maxLifetimeSeconds: 60, ...more });
    }
  });

  it('with an unknown provider or template, or what the provider cannot do, is refused', async () => {
    const provider = await create('unknownProvider', 400, { template: 'chat', provider: 'azure' });
    expect(provider.text).toContain('local');
    await create('unknownTemplate', 400, { template: 'nope' });
    await create('unknownTemplate', 400, { template: 'constructor' });
    for (const asked of [{ spot: true }, { externalIp: true }, { image: 'debian' }]) {
      await create('unsupportedOption', 400, { template: 'chat', ...asked });
    }
    // With neither template nor image it is one of the default template.
    await create('unsupportedOption', 400, { spot: true });
  });

  it('of a template is checked as that of a create is', async () => {
    const put = (code: string, status: number, body: unknown, name = 'arena') =>
      refused(code, status, 'PUT', `/v1/templates/${name}`, { body });
    for (const body of [{}, { spec: null }, { spec: {} }, { spec: { image: 'vm-server', cpus: 0 } }, { image: 'x' }]) {
      await put('invalidRequest', 400, body);
    }
    await put('invalidRequest', 400, { spec: { image: 'vm-server' } }, 'Arena');
    await put('unsupportedOption', 400, { spec: { image: 'debian' } });
    await put('malformedBody', 400, '{');
    await refused('templateNotFound', 404, 'GET', '/v1/templates/arena');
    await refused('templateNotFound', 404, 'DELETE', '/v1/templates/arena');
    await refused('builtInTemplate', 409, 'DELETE', '/v1/templates/chat');
  });
});

describe('a path or query', () => {
  it('that is malformed is refused', async () => {
    await refused('invalidRequest', 400, 'GET', '/v1/vms/%E0%A4%A');
    for (const query of [
      'pageSize=abc',
      'pageSize=0',
      'pageSize=1001',
      'pageSize=1e2',
      'pageSize=',
      'pageSize=1&pageSize=2',
      'pageToken=%00',
      'pageToken=bm9wZQ',
      `pageToken=${'a'.repeat(5000)}`,
      'state=asleep',
      'label=novalue',
      'label==x',
      'fresh=yes',
      'pagesize=3',
    ]) {
      await refused('invalidRequest', 400, 'GET', `/v1/vms?${query}`);
    }
    await refused('invalidRequest', 400, 'POST', '/v1/vms?wait=forever', { body: { template: 'chat' } });
    await refused('invalidRequest', 400, 'POST', '/v1/vms?wait=ready&timeoutSeconds=301', {
      body: { template: 'chat' },
    });
    await create('invalidRequest', 400, { template: 'chat' }, { 'idempotency-key': 'with space' });
  });

  it('of a VM that is not there gets a 404', async () => {
    const path = `/v1/vms/${uniqueName('none')}`;
    await refused('unknownVm', 404, 'GET', path);
    await refused('unknownVm', 404, 'DELETE', `${path}?wait=destroyed`);
    await refused('unknownVm', 404, 'POST', `${path}/drain`);
    await refused('unknownVm', 404, 'POST', `${path}/hold`, { body: { seconds: 5 } });
    await refused('unknownVm', 404, 'GET', `${path}/timeline`);
    await refused('unknownVm', 404, 'GET', `${path}/console`);
    await refused('notFound', 404, 'GET', '/v1/nothing');
  });

  it('that does not take a method answers which it takes', async () => {
    for (const [method, path, allow] of [
      ['PUT', '/v1/vms', 'POST, GET, HEAD'],
      ['PATCH', '/v1/vms/lobby', 'GET, HEAD, DELETE'],
      ['GET', '/v1/vms/lobby/drain', 'POST'],
      ['DELETE', '/healthz', 'GET, HEAD'],
      ['OPTIONS', '/v1/vms', 'POST, GET, HEAD'],
    ] as const) {
      const answer = await refused('methodNotAllowed', 405, method, path);
      expect(answer.headers.get('allow')).toBe(allow);
    }
  });

  it('that is overlong never breaks the server', async () => {
    const answer = await api.call('GET', `/v1/vms/${'a'.repeat(10_000)}`);
    expect(answer.status).toBe(400);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = httpRequest(`${api.url}/v1/vms`, { headers: { 'x-long': 'x'.repeat(40_000) } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on('error', reject).end();
    });
    expect(status).toBe(431);
  });
});

describe('a key', () => {
  it('that is missing or wrong is refused before anything else is looked at', async () => {
    for (const key of [null, 'wrong', '', 'key with spaces']) {
      for (const [method, path] of [
        ['GET', '/v1/vms'],
        ['POST', '/v1/vms'],
        ['GET', '/v1/vms/lobby'],
        ['DELETE', '/v1/vms/lobby'],
        ['POST', '/v1/vms/lobby/drain'],
        ['POST', '/v1/vms/lobby/undrain'],
        ['POST', '/v1/vms/lobby/hold'],
        ['GET', '/v1/vms/lobby/timeline'],
        ['GET', '/v1/vms/lobby/console'],
      ] as const) {
        const answer = await refused('unauthenticated', 401, method, path, { key });
        expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      }
    }
    await refused('unauthenticated', 401, 'GET', '/v1/vms', { key: null, headers: { authorization: 'Basic YTpi' } });
  });

  it('of a viewer changes nothing', async () => {
    const key = api.keys.viewer;
    await refused('forbidden', 403, 'POST', '/v1/vms', { key, body: { template: 'chat' } });
    await refused('forbidden', 403, 'DELETE', '/v1/vms/lobby', { key });
    await refused('forbidden', 403, 'POST', '/v1/vms/lobby/drain', { key });
    expect((await api.call('GET', '/v1/vms', { key })).status).toBe(200);
  });
});

describe('an agent', () => {
  const exchange = (body: unknown) => ({ key: null, body });
  const report = { sequence: 1, connections: 0, ready: true, calmMs: 0, forwarded: null };

  it('with a wrong secret or token is refused', async () => {
    await refused('tokenRefused', 401, 'POST', '/v1/agent/exchange', exchange({ secret: 'nope', nonce: 'abcdefgh' }));
    await refused('tokenRefused', 401, 'POST', '/v1/agent/report', { key: null, body: report });
    await refused('tokenRefused', 401, 'POST', '/v1/agent/report', { key: 'nope', body: report });
    await refused('tokenRefused', 401, 'POST', '/v1/agent/report', { key: api.keys.admin, body: report });
  });

  it('that sends nonsense is refused', async () => {
    await refused('invalidRequest', 400, 'POST', '/v1/agent/exchange', exchange({ secret: 'x' }));
    const tokens = new AgentTokens(loadDeploymentSecret(api.settings), api.settings.deployment);
    const subject = { workflowId: 'vm/default/lobby', machineId: 'm-1' };
    const key = tokens.issue('report', subject, Date.now());
    for (const wrong of [{ connections: -1 }, { connections: 1e9 }, { sequence: 0.5 }, { vm: 'lobby' }]) {
      const body = { ...report, ...wrong };
      await refused('invalidRequest', 400, 'POST', '/v1/agent/report', { key, body });
      await refused('tokenRefused', 401, 'POST', '/v1/agent/report', { key: 'x', body });
    }
    await refused('tokenRefused', 401, 'POST', '/v1/agent/report', { key, body: report });
    const bootstrap = tokens.issue('bootstrap', subject, Date.now());
    await refused('tokenRefused', 401, 'POST', '/v1/agent/report', { key: bootstrap, body: report });
    const old = tokens.issue('report', subject, Date.now() - 3_600_000);
    await refused('tokenRefused', 401, 'POST', '/v1/agent/report', { key: old, body: report });
  });
});

describe('a request id', () => {
  it('is taken from the caller when it is sane, and made up when it is not', async () => {
    const sane = await api.call('GET', '/healthz', { headers: { 'x-request-id': 'trace-1' } });
    expect(sane.headers.get('x-request-id')).toBe('trace-1');
    const odd = await api.call('GET', '/healthz', { headers: { 'x-request-id': 'a b<script>' } });
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});
