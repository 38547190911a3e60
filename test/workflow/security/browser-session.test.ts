/** Signing in with a browser: what its cookie opens, for whom, and for how long. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { addKey, revokeKey, rotateKey, type MadeKey } from '../../../security/keys/key-changes.ts';
import { PROOF_HEADER } from '../../../api/browser/browser-request.ts';
import {
  eventually,
  startTestApi,
  type CallOptions,
  type TestApi,
} from '../../../test-support/workflow/api-harness.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';

let server: TestServer;
let api: TestApi;
let second: TestApi;
const keys: Record<'viewer' | 'operator' | 'revoked' | 'rotated', MadeKey | undefined> = {
  ...{ viewer: undefined, operator: undefined, revoked: undefined, rotated: undefined },
};

beforeAll(async () => {
  server = await startTestServer();
  api = await startTestApi(server, 'nobody-works-here', {
    change: async ({ stateDir, api }) => {
      api.limits.wrongKeysPerMinute = 60;
      const add = (role: 'viewer' | 'operator') => addKey(stateDir, { project: 'default', role }, Date.now());
      keys.viewer = await add('viewer');
      keys.operator = await add('operator');
      keys.revoked = await add('operator');
      keys.rotated = await add('operator');
    },
  });
  second = await startTestApi(server, 'nobody-works-here', { share: api });
});
afterAll(async () => {
  await second.close();
  await api.close();
  await server.stop();
});

interface SignedIn {
  setCookie: string;
  headers: Record<string, string>;
}

const signIn = (key: string, headers: Record<string, string> = {}) =>
  api.call('POST', '/v1/browser-session', { key: null, body: { key }, headers });

async function signedIn(key = keys.operator?.key ?? '', headers = {}): Promise<SignedIn> {
  const { status, headers: answered, body } = await signIn(key, headers);
  expect(status).toBe(200);
  const setCookie = answered.get('set-cookie') ?? '';
  const proof = (body as unknown as { proof: string }).proof;
  return { setCookie, headers: { cookie: setCookie.split(';')[0] ?? '', [PROOF_HEADER]: proof } };
}

const by = (headers: Record<string, string>, more: CallOptions = {}): CallOptions => ({ ...more, key: null, headers });

describe('a sign-in', () => {
  it('sets a cookie that no script and no other site has, and says who one is', async () => {
    const { setCookie, headers } = await signedIn();
    expect(setCookie).toMatch(/^ephemera-[0-9a-f]{12}=[\w.-]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
    const { status, body } = await api.call('GET', '/v1/browser-session', by(headers));
    expect([status, body]).toMatchObject([
      200,
      { project: 'default', role: 'operator', keyId: keys.operator?.stored.id },
    ]);
    expect(setCookie).not.toContain(keys.operator?.key);
  });

  it('cannot be shut out by cookies of the same name that a program on another port sets', async () => {
    const { headers } = await signedIn();
    const [name] = (headers['cookie'] ?? '').split('=');
    const other = await signedIn(keys.viewer?.key);
    const planted = [`${name}=x.y`, `${name}=`, other.headers['cookie'], `__Host-${name}=z`].join('; ');
    const { status, body } = await api.call(
      'GET',
      '/v1/browser-session',
      by({ ...headers, cookie: `${planted}; ${headers['cookie']}` }),
    );
    expect([status, body]).toMatchObject([200, { keyId: keys.operator?.stored.id }]);
  });

  it('over https sets it for https and this host alone', async () => {
    const origin = `https://${new URL(api.url).host}`;
    const { setCookie, headers } = await signedIn(undefined, { origin, 'sec-fetch-site': 'same-origin' });
    expect(setCookie).toMatch(/^__Host-ephemera-.*; Secure$/);
    expect((await api.call('GET', '/v1/vms', by(headers))).status).toBe(200);
  });

  it('from another page is refused with a right key, and with a wrong one it is counted as such', async () => {
    const foreign = await signIn(keys.operator?.key ?? '', { origin: 'http://127.0.0.1:8080' });
    expect([foreign.status, foreign.body.code, foreign.headers.get('set-cookie')]).toEqual([
      401,
      'sessionRefused',
      null,
    ]);
    const wrong = await signIn('eph_00000000_wrong');
    expect([wrong.status, wrong.body.code]).toEqual([401, 'unauthenticated']);
    expect(JSON.stringify(wrong.body)).not.toContain('eph_00000000_wrong');
  });
});

describe('a session', () => {
  it('does at every replica what its key may, and nothing more', async () => {
    const operator = await signedIn();
    const made = await api.call('POST', '/v1/vms', by(operator.headers, { body: { template: 'chat' } }));
    expect([made.status, made.body.createdBy]).toEqual([201, keys.operator?.stored.id]);
    expect((await second.call('GET', '/v1/vms', by(operator.headers))).status).toBe(200);
    expect((await api.call('GET', '/v1/sweep', by(operator.headers))).body.code).toBe('forbidden');
    const viewer = await signedIn(keys.viewer?.key);
    const refused = await api.call('DELETE', `/v1/vms/${made.body.name}`, by(viewer.headers));
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
    expect((await api.call('GET', `/v1/vms/${made.body.name}`, by(operator.headers))).body.can).toContain('destroy');
    expect((await api.call('GET', `/v1/vms/${made.body.name}`, by(viewer.headers))).body.can).toEqual([]);
    const list = (await api.call('GET', '/v1/vms', by(viewer.headers))).body.vms;
    expect(list.map(({ can }) => can)).toEqual(list.map(() => []));
  });

  it('is worth nothing to a guest on another port of this host, which its cookie reaches: not a look and not a change', async () => {
    const { headers } = await signedIn();
    const { cookie = '' } = headers;
    const own = new URL(api.url).origin;
    const before = (await server.client.workflow.count()).count;
    for (const stolen of [
      { cookie },
      { cookie, origin: own, 'sec-fetch-site': 'same-origin' },
      { cookie, [PROOF_HEADER]: 'guessed' },
      { ...headers, origin: 'http://127.0.0.1:8080' },
      { ...headers, 'sec-fetch-site': 'same-site' },
      { ...headers, origin: 'null' },
    ]) {
      for (const [method, path, body] of [
        ['GET', '/v1/vms', undefined],
        ['POST', '/v1/vms', { template: 'chat' }],
        ['DELETE', '/v1/browser-session', undefined],
      ] as const) {
        const { status, body: said } = await api.call(method, path, by(stolen, body === undefined ? {} : { body }));
        expect([stolen, method, status, said.code]).toEqual([stolen, method, 401, 'sessionRefused']);
      }
    }
    expect((await server.client.workflow.count()).count).toBe(before);
  });

  it('opens no WebSocket, which any page can ask for with the cookies of its browser', async () => {
    const { headers } = await signedIn();
    const url = `${api.url.replace('http', 'ws')}/v1/vms/lobby/exec?command=true`;
    const socket = new WebSocket(url, { headers });
    const status = await new Promise((resolve) => {
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      socket.on('open', () => resolve('open'));
      socket.on('error', () => undefined);
    });
    socket.terminate();
    expect(status).toBe(401);
  });

  it('ends within a second of its key: revoked or rotated, on every replica', async () => {
    const [revoked, rotated] = [await signedIn(keys.revoked?.key), await signedIn(keys.rotated?.key)];
    const { stateDir } = api.settings;
    await revokeKey(stateDir, keys.revoked?.stored.id ?? '', Date.now());
    await rotateKey(stateDir, keys.rotated?.stored.id ?? '', { overlapSeconds: 0 }, Date.now());
    for (const replica of [api, second]) {
      for (const { headers } of [revoked, rotated]) {
        await eventually(
          'a refusal',
          async () => ((await replica.call('GET', '/v1/vms', by(headers))).status === 401 ? true : undefined),
          2500,
        );
      }
    }
  });

  it('is taken from the browser at sign-out', async () => {
    const { headers } = await signedIn();
    const out = await api.call('DELETE', '/v1/browser-session', by(headers));
    expect([out.status, out.headers.get('set-cookie')]).toEqual([
      204,
      expect.stringMatching(/=; Path=\/; Max-Age=0; /),
    ]);
  });
});

describe('a request with a key', () => {
  it('needs none of this, whatever a browser says of it', async () => {
    const { cookie = '' } = (await signedIn(keys.viewer?.key)).headers;
    const headers = { cookie, origin: 'http://elsewhere.example' };
    const made = await api.call('POST', '/v1/vms', { body: { template: 'chat' }, headers });
    expect(made.status).toBe(201);
  });
});

describe('the pages of the dashboard', () => {
  it('may be framed by nobody and run nothing but what is served here', async () => {
    const page = await fetch(`${api.url}/dashboard/`);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect((await fetch(`${api.url}/dashboard/assets/..%2f..%2fworker.main.mjs`)).status).toBe(404);
  });
});
