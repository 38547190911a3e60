import { request } from 'node:http';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { MetricRegistry } from '../../../telemetry/metric-registry.ts';
import { startMetricsServer, type MetricsServer } from '../../../telemetry/metrics-server.ts';

let server: MetricsServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function start(more: { host?: string; token?: string | null } = {}): Promise<number> {
  const log = pino({ level: 'silent' });
  const place = { host: '127.0.0.1', token: null, port: 0, portWasAsked: true, portSetting: 'PORT', log };
  server = await startMetricsServer({ ...place, ...more, registry: new MetricRegistry() });
  return Number(new URL(server.url).port);
}

/** The status for a request as a browser sends it to whatever name resolved to this computer. */
function statusFor(port: number, host: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: '/metrics', headers: { ...headers, host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('metrics that stay on this computer', () => {
  it('are told to its own names, and not to a page whose name was made to resolve to it', async () => {
    const port = await start();
    for (const own of ['127.0.0.1', 'localhost', '[::1]', '127.3.2.1']) {
      expect([own, await statusFor(port, `${own}:${port}`)]).toEqual([own, 200]);
    }
    for (const foreign of [`rebound.example:${port}`, 'rebound.example', '127.0.0.1.rebound.example', 'localhost.']) {
      expect([foreign, await statusFor(port, foreign)]).toEqual([foreign, 403]);
    }
  });

  it('are told to whoever has the token, by whatever name', async () => {
    const port = await start({ token: 'scrape' });
    expect(await statusFor(port, 'metrics.example', { authorization: 'Bearer scrape' })).toBe(200);
    expect(await statusFor(port, 'metrics.example')).toBe(401);
  });
});
