import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinChat, type ChatClient } from '../../test-support/chat-client.ts';
import { eventually, seeVm, startStack, type Part, type Stack } from '../../test-support/stack.ts';
import { startTestServer, textOf, type TestServer } from '../../test-support/temporal-server.ts';

/** What `npm start` gives each before it is killed. */
const GRACE_MS = { api: 5000, worker: 6000 };
const UNCAUGHT = /has been shut down|uncaught|unhandled|triggerUncaught|throw new Error|Node\.js v\d/i;

let server: TestServer;
let stack: Stack;
let ann: ChatClient | undefined;
beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({ server });
});
afterAll(async () => {
  await ann?.leave();
  await stack.stop();
  await server.stop();
});

const apiLog = (): string => join(stack.stateDir, 'api-0.log');
const workerLog = (): string => join(stack.stateDir, 'worker.log');

async function endsInOrder(part: Part, log: string, graceMs: number): Promise<void> {
  const askedAt = Date.now();
  const exitCode = await part.end();
  const tookMs = Date.now() - askedAt;
  const text = await textOf(log);
  expect(text.split('\n').filter((line) => UNCAUGHT.test(line))).toEqual([]);
  expect(exitCode, text.slice(-3000)).toBe(0);
  expect(tookMs).toBeLessThan(graceMs);
}

describe('while Temporal is away and calls to it are tried again', () => {
  it('a SIGTERM ends API and worker in time, with exit code 0 and no uncaught error', async () => {
    const { body } = await stack.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', {
      name: 'busy',
      template: 'chat',
    });
    expect(body.state, await stack.logs()).toBe('running');
    ann = await joinChat(body.address!.ip, 8080, 'lobby', 'ann');
    await seeVm(stack, 'busy', 'in use', (vm) => vm.connections === 1);
    await server.kill();
    // An edge that the worker has to tell, a create and a look that the API has to answer, and its polls each second.
    await ann.leave();
    const create = stack.call('POST', '/v1/vms?wait=ready&timeoutSeconds=60', { name: 'late', template: 'chat' });
    const look = stack.call('GET', '/v1/vms/busy?fresh=true');
    const answers = Promise.allSettled([create, look]);
    // Long enough for each call to be between two tries.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await Promise.all([
      endsInOrder(stack.apis[0]!, apiLog(), GRACE_MS.api),
      endsInOrder(stack.worker, workerLog(), GRACE_MS.worker),
    ]);
    for (const answer of await answers) {
      if (answer.status === 'fulfilled') expect(answer.value.status).toBeLessThan(504);
    }
  });

  it('a SIGTERM ends an API and a worker that were started meanwhile and wait for Temporal', async () => {
    const [api, worker] = [stack.apis[0]!, stack.worker];
    const begun = await Promise.all([textOf(apiLog()), textOf(workerLog())]);
    await Promise.all([api.begin(), worker.begin()]);
    await eventually(stack, 'both at work', async () => {
      const now = await Promise.all([textOf(apiLog()), textOf(workerLog())]);
      return now.every((text, index) => text.slice(begun[index]!.length).includes('metrics are served')) || undefined;
    });
    await endsInOrder(api, apiLog(), GRACE_MS.api);
    await endsInOrder(worker, workerLog(), GRACE_MS.worker);
  });
});
