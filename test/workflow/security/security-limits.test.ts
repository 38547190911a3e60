import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addKey, revokeKey, type MadeKey } from '../../../security/keys/key-changes.ts';
import { eventually, startTestApi, uniqueName, type TestApi } from '../../../test-support/workflow/api-harness.ts';
import { startTestServer, type TestServer } from '../../../test-support/temporal-server.ts';

/** No worker runs here: VMs are started and stay `creating`. */
const QUEUE = 'nobody-works-here';
const LIMITS = {
  readsPerSecond: 5,
  mutationsPerSecond: 1,
  wrongKeysPerMinute: 30,
  waitsPerKey: 3,
  watchersPerKey: 2,
  watchers: 3,
};

let server: TestServer;
let api: TestApi;
let second: TestApi;
/** A key for each test, so that no other test uses its budgets up. */
const keys: MadeKey[] = [];
const key = (index: number): string => keys[index]?.key ?? '';

function lowLimits(settings: TestApi['settings']): void {
  settings.api.limits = LIMITS;
}

beforeAll(async () => {
  server = await startTestServer();
  const change = async (settings: TestApi['settings']) => {
    lowLimits(settings);
    for (let index = 0; index < 5; index += 1) {
      keys.push(await addKey(settings.stateDir, { project: `p${index}`, role: 'operator' }, Date.now()));
    }
  };
  api = await startTestApi(server, QUEUE, { change });
  second = await startTestApi(server, QUEUE, { share: api });
});
afterAll(async () => {
  await second.close();
  await api.close();
  await server.stop();
});

const startedVms = async () => (await server.client.workflow.count("WorkflowType = 'vm'")).count;

describe('the pages', () => {
  it('begin at the dashboard, where the address of the API leads, and a flood of files of /docs is refused and disturbs nothing else', async () => {
    const root = await api.call('GET', '/', { key: null });
    expect(root.text).toContain('<title>Ephemera');
    expect((await fetch(api.url, { redirect: 'manual' })).headers.get('location')).toBe('/dashboard/');
    const files = Array.from({ length: 230 }, () => api.call('GET', '/docs/assets/favicon-32x32.png', { key: null }));
    const answers = await Promise.all(files);
    expect(answers.some(({ status }) => status === 429)).toBe(true);
    expect((await api.call('GET', '/healthz', { key: null })).status).toBe(200);
    expect((await api.call('GET', '/v1/vms')).status).toBe(200);
  });
});

describe('a key that asks too much', () => {
  it('is told when to come again, its changes are not made, and its reads go on', async () => {
    const own = key(0);
    const create = () => api.call('POST', '/v1/vms', { key: own, body: { template: 'chat' } });
    const answers = await Promise.all(Array.from({ length: 30 }, create));
    const refused = answers.filter(({ status }) => status === 429);
    const made = answers.filter(({ status }) => status === 201);
    expect([refused.length + made.length, made.length >= 10, refused.length > 0]).toEqual([30, true, true]);
    for (const { body, headers } of refused) {
      expect([body.code, headers.get('retry-after')]).toEqual(['rateLimited', '1']);
    }
    expect((await api.call('GET', '/v1/vms', { key: own })).status).toBe(200);
    expect((await api.call('POST', '/v1/vms', { body: { template: 'chat' } })).status).toBe(201);
    const again = await eventually('room for one more', async () => {
      const answer = await create();
      return answer.status === 201 ? answer : undefined;
    });
    expect(again.status).toBe(201);
  });

  it('by reading is told so too', async () => {
    const own = key(1);
    const reads = Array.from({ length: 120 }, () => api.call('GET', '/v1/vms', { key: own }));
    const refused = (await Promise.all(reads)).filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.body.code).toBe('rateLimited');
  });

  it('with waiting requests is refused before anything is made', async () => {
    const own = key(2);
    const wait = () =>
      api.call('POST', '/v1/vms?wait=ready&timeoutSeconds=2', {
        key: own,
        body: { name: uniqueName(), template: 'chat' },
      });
    const before = await startedVms();
    const answers = await Promise.all(Array.from({ length: 5 }, wait));
    const codes = answers.map(({ status, body }) => (status === 202 ? 202 : body.code));
    expect(codes.sort()).toEqual([202, 202, 202, 'tooManyWaits', 'tooManyWaits']);
    await eventually('three more VMs', async () => ((await startedVms()) === before + 3 ? true : undefined));
    expect((await api.call('GET', '/v1/vms', { key: own })).body.vms).toHaveLength(3);
  });
});

describe('a revoked key', () => {
  it('is refused by every running replica within 5 s', async () => {
    const id = keys[3]?.stored.id ?? '';
    for (const replica of [api, second])
      expect((await replica.call('GET', '/v1/vms', { key: key(3) })).status).toBe(200);
    await revokeKey(api.settings.stateDir, id, Date.now());
    const revokedAt = Date.now();
    for (const replica of [api, second]) {
      const answer = await eventually('the refusal', async () => {
        const seen = await replica.call('GET', '/v1/vms', { key: key(3) });
        return seen.status === 401 ? seen : undefined;
      });
      expect(answer.text).toContain(`The API key ${id} is revoked`);
    }
    expect(Date.now() - revokedAt).toBeLessThan(5000);
  });
});

describe('an address that tries keys', () => {
  const guess = (replica: TestApi, guessed: string, headers: Record<string, string> = {}) =>
    replica.call('GET', '/v1/vms', { key: guessed, headers });
  const flood = (replica: TestApi, headers: Record<string, string> = {}) =>
    Promise.all(Array.from({ length: 100 }, (_, index) => guess(replica, `guess-${index}`, headers)));
  /** Fewer than a fresh address has, and more than come back in a few seconds to one that used up its own. */
  const few = <Answer>(ask: () => Answer): Answer[] => Array.from({ length: 10 }, ask);

  it('gets 429 for wrong ones beyond its limit, and no valid key is refused for it, on a fresh replica neither', async () => {
    const fresh = await startTestApi(server, QUEUE, { share: api, change: lowLimits });
    try {
      const answers = await flood(fresh);
      const codes = answers.map(({ body }) => body.code);
      expect(codes.filter((code) => code === 'rateLimited').length).toBeGreaterThan(20);
      expect(new Set(codes)).toEqual(new Set(['unauthenticated', 'rateLimited']));
      const refused = answers.find(({ status }) => status === 429);
      expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
      const none = await Promise.all(few(() => fresh.call('GET', '/v1/vms', { key: null })));
      expect(none.map(({ status, body }) => [status, body.code])).toContainEqual([429, 'rateLimited']);
      expect((await guess(fresh, key(4))).status).toBe(200);
      expect((await fresh.call('GET', '/v1/vms')).status).toBe(200);
    } finally {
      await fresh.close();
    }
  });

  it('is the one that a trusted proxy names, and nobody else can name one', async () => {
    const trusting = await startTestApi(server, QUEUE, {
      share: api,
      change: (settings) => {
        lowLimits(settings);
        settings.api.trustedProxies = ['127.0.0.0/8'];
      },
    });
    try {
      const codes = async (replica: TestApi, address: string): Promise<unknown[]> => {
        const named = { 'x-forwarded-for': `198.51.100.1, ${address}` };
        const answers = await Promise.all(few(() => guess(replica, 'wrong', named)));
        return [...new Set(answers.map(({ body }) => body.code))];
      };
      await flood(trusting, { 'x-forwarded-for': '203.0.113.7' });
      expect(await codes(trusting, '203.0.113.7')).toContain('rateLimited');
      expect(await codes(trusting, '203.0.113.8')).toEqual(['unauthenticated']);
      await flood(api, { 'x-forwarded-for': '203.0.113.7' });
      expect(await codes(api, '203.0.113.8')).toContain('rateLimited');
    } finally {
      await trusting.close();
    }
  });
});
