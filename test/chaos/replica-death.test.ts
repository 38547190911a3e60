import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest';
import { joinChat } from '../../test-support/chat-client.ts';
import { eventually, startStack, type Stack } from '../../test-support/stack.ts';
import { freePort } from '../../test-support/free-port.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

/** What machines see as the API's address: sends each connection to the replica chosen at the moment. */
class Switchboard {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  target: URL | undefined;

  constructor() {
    this.#server = createServer((from) => {
      const { target } = this;
      if (target === undefined) return void from.destroy();
      const to = connect(Number(target.port), target.hostname);
      for (const [one, other] of [
        [from, to],
        [to, from],
      ] as const) {
        this.#open.add(one);
        one.pipe(other);
        one.on('error', () => other.destroy());
        one.on('close', () => {
          this.#open.delete(one);
          other.destroy();
        });
      }
    });
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** From now on everything goes to another replica; connections to the old one break. */
  switchTo(url: string | undefined): void {
    this.target = url === undefined ? undefined : new URL(url);
    for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    this.switchTo(undefined);
    this.#server.close();
    await once(this.#server, 'close');
  }
}

let server: TestServer;
let stack: Stack;
const switchboard = new Switchboard();
beforeAll(async () => {
  server = await startTestServer();
  const port = await freePort();
  await switchboard.listen(port);
  const env = { EPHEMERA_API_URL: `http://127.0.0.1:${port}` };
  stack = await startStack({ server, agentTransport: 'http', apiReplicas: 2, env });
  switchboard.switchTo(stack.apis[0]!.url);
});
afterAll(async () => {
  await switchboard.close();
  await stack.stop();
  await server.stop();
});

it('an edge survives the death of the replica that got it', async () => {
  onTestFailed(async () => console.log(await stack.logs()));
  const name = 'lobby';
  const created = await stack.call(
    'POST',
    '/v1/vms?wait=ready&timeoutSeconds=60',
    { name, template: 'chat', idle: { timeoutSeconds: 2 } },
    1,
  );
  const { ip } = created.body.address!;
  const connections = (count: number): Promise<true> =>
    eventually(stack, `${count} connections`, async () => {
      const { body } = await stack.call('GET', `/v1/vms/${name}`, undefined, 1);
      return body.connections === count ? true : undefined;
    });

  const ann = await joinChat(ip, 8080, 'lobby', 'ann');
  await stack.apis[0]!.kill();
  switchboard.switchTo(stack.apis[1]!.url);
  await connections(1);

  await stack.apis[0]!.start();
  switchboard.switchTo(stack.apis[0]!.url);
  await ann.leave();
  const bob = await joinChat(ip, 8080, 'lobby', 'bob');
  await stack.apis[0]!.kill();
  switchboard.switchTo(stack.apis[1]!.url);
  bob.say('still here');
  await bob.hears('still here');
  await connections(1);
  const view = (await stack.call('GET', `/v1/vms/${name}`, undefined, 1)).body;
  expect(view).toMatchObject({ state: 'running', aliveBecause: 'connections' });

  await bob.leave();
  const gone = await eventually(
    stack,
    'idle end',
    async () => {
      const { body } = await stack.call('GET', `/v1/vms/${name}`, undefined, 1);
      return body.state === 'destroyed' ? body : undefined;
    },
    90_000,
  );
  expect(gone.reason).toBe('idle');
});
