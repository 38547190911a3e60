/**
 * A child process of the list bench: asks for pages at a fixed rate, whether or not earlier ones were answered,
 * so that a slow server is not asked less.
 */
// An agent of its own keeps the sockets that are measured; the client generated from openapi.json cannot be given one.
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LoadOrder {
  url: string;
  apiKey: string;
  /** Asked in turn. */
  paths: string[];
  perSecond: number;
  seconds: number;
}

export interface LoadAnswer {
  latenciesMs: number[];
  errors: number;
  bytes: number;
  /** How late this process itself was with a request, at worst. */
  latestMs: number;
}

process.on('message', (order: LoadOrder) => {
  void load(order).then((answer) => process.send?.(answer));
});
process.on('disconnect', () => process.exit(0));

async function load({ url, apiKey, paths, perSecond, seconds }: LoadOrder): Promise<LoadAnswer> {
  // Idle sockets end before the server ends them, so that no request meets a socket that is just being closed.
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity, timeout: 3000 });
  const headers = { authorization: `Bearer ${apiKey}` };
  const answer: LoadAnswer = { latenciesMs: [], errors: 0, bytes: 0, latestMs: 0 };
  const asking: Promise<void>[] = [];
  const begunAt = performance.now();
  for (let index = 0; index < perSecond * seconds; index += 1) {
    const due = begunAt + (index * 1000) / perSecond;
    if (due > performance.now()) await sleep(due - performance.now());
    answer.latestMs = Math.max(answer.latestMs, performance.now() - due);
    asking.push(ask(`${url}${paths[index % paths.length] ?? ''}`, { agent, headers }, answer));
  }
  await Promise.all(asking);
  agent.destroy();
  return answer;
}

function ask(url: string, options: { agent: Agent; headers: Record<string, string> }, to: LoadAnswer): Promise<void> {
  return new Promise((resolve) => {
    const begunAt = performance.now();
    const failed = (): void => {
      to.errors += 1;
      resolve();
    };
    get(url, options, (reply) => {
      reply.on('data', (chunk: Buffer) => {
        to.bytes += chunk.length;
      });
      reply.on('error', failed);
      reply.on('end', () => {
        if (reply.statusCode === 200) to.latenciesMs.push(performance.now() - begunAt);
        else to.errors += 1;
        resolve();
      });
    }).on('error', failed);
  });
}
