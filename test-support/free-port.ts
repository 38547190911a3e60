import { once } from 'node:events';
import { createServer } from 'node:net';

/** Systems give out ports from 32768 on to any process that asks for one: one below stays free until its process takes it. */
const CHOSEN_PORTS = { first: 10_000, count: 22_000 } as const;

/** A port that was free a moment ago, and that nobody gets who asks for any port. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = CHOSEN_PORTS.first + Math.floor(Math.random() * CHOSEN_PORTS.count);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
