import type { TestServer } from '../temporal-server.ts';

const LINE = /^service_requests\{(?<labels>[^}]*)\} (?<count>[\d.e+]+)$/;

/** What the server's front end was asked since it started, by operation. Polls count when they begin. */
export async function requestsOf({ metricsUrl }: TestServer): Promise<Record<string, number>> {
  const text = await (await fetch(metricsUrl)).text();
  const counts: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const { labels = '', count = '0' } = LINE.exec(line)?.groups ?? {};
    const operation = /operation="([^"]+)"/.exec(labels)?.[1];
    if (operation === undefined || !labels.includes('service_name="frontend"')) continue;
    counts[operation] = (counts[operation] ?? 0) + Number(count);
  }
  return counts;
}

const PENDING = /^service_pending_requests\{(?<labels>[^}]*)\} (?<count>[\d.e+]+)$/;

/** Calls of a long-running operation that were open in a namespace when the last of them began. */
export async function openPolls({ metricsUrl }: TestServer, namespace: string, operation: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  for (const line of text.split('\n')) {
    const { labels = '', count = '0' } = PENDING.exec(line)?.groups ?? {};
    if (labels.includes(`namespace="${namespace}"`) && labels.includes(`operation="${operation}"`))
      return Number(count);
  }
  return 0;
}
