import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { apiAnswers, ApiWatch } from '../../../worker/links/api-reach.ts';

let server: Server | undefined;
afterEach(() => new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve))));

/** What stands at the address of the API: for each path a status and a body. */
async function addressOf(answers: Record<string, [status: number, body: string]>): Promise<string> {
  server = createServer((request, response) => {
    const [status, body] = answers[request.url ?? ''] ?? [404, ''];
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(body);
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const healthz: [number, string] = [200, '{"status":"ok"}'];

describe('the silence of agents over HTTP', () => {
  it('may count while the API takes reports', async () => {
    const ready = '{"status":"ready","listAgeSeconds":1}';
    expect(await apiAnswers({ apiUrl: await addressOf({ '/healthz': healthz, '/readyz': [200, ready] }) })).toBe(true);
  });

  it('does not count while a proxy answers for an API that is away', async () => {
    for (const status of [502, 503, 504]) {
      const gone: [number, string] = [status, '<html>Bad Gateway</html>'];
      expect(await apiAnswers({ apiUrl: await addressOf({ '/healthz': gone, '/readyz': gone }) })).toBe(false);
      await new Promise((resolve) => server!.close(resolve));
    }
  });

  it('does not count while the API does not reach Temporal: it refuses every report then', async () => {
    const late = '{"status":"ready","listAgeSeconds":300}';
    expect(await apiAnswers({ apiUrl: await addressOf({ '/healthz': healthz, '/readyz': [200, late] }) })).toBe(false);
    await new Promise((resolve) => server!.close(resolve));
    const unread = '{"code":"notReady"}';
    expect(await apiAnswers({ apiUrl: await addressOf({ '/healthz': healthz, '/readyz': [503, unread] }) })).toBe(
      false,
    );
  });

  it('does not count while nothing answers, or something else', async () => {
    expect(await apiAnswers({ apiUrl: 'http://127.0.0.1:1' })).toBe(false);
    expect(await apiAnswers({ apiUrl: await addressOf({ '/readyz': [200, '<html>Welcome</html>'] }) })).toBe(false);
  });
});

describe('a watch of the API', () => {
  const scene = () => {
    let [now, answers, looks] = [0, true, 0];
    const look = (): Promise<boolean> => {
      looks += 1;
      return Promise.resolve(answers);
    };
    const watch = new ApiWatch(look, () => now);
    return {
      watch,
      looks: () => looks,
      /** Asks each second, as its timer does. */
      pass: async (seconds: number, isThere = true): Promise<void> => {
        answers = isThere;
        for (let second = 0; second < seconds; second += 1) {
          now += 1000;
          await watch.reachableSeconds();
        }
      },
      standStill: (seconds: number): void => void (now += seconds * 1000),
    };
  };

  it('says for how long it answers without a break, and begins anew after one', async () => {
    const { watch, pass } = scene();
    expect(await watch.reachableSeconds()).toBe(0);
    await pass(30);
    expect(await watch.reachableSeconds()).toBe(30);
    await pass(1, false);
    expect(await watch.reachableSeconds()).toBeNull();
    await pass(10);
    expect(await watch.reachableSeconds()).toBe(9);
  });

  it('does not count a time in which nobody looked', async () => {
    const { watch, pass, standStill } = scene();
    await pass(5);
    standStill(120);
    expect(await watch.reachableSeconds()).toBe(0);
  });

  it('looks once for all who ask at a time', async () => {
    const { watch, looks } = scene();
    await Promise.all(Array.from({ length: 500 }, () => watch.reachableSeconds()));
    expect(looks()).toBe(1);
  });
});
