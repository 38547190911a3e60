import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest';
import { eventually } from '../../test-support/eventually.ts';
import { startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';
import { WebhookReceiver } from '../../test-support/webhooks/receiver.ts';

let server: TestServer;
let stack: Stack;
const receiver = new WebhookReceiver();
beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({ server, apiReplicas: 2, env: { EPHEMERA_WEBHOOK_PRIVATE_TARGETS: '127.0.0.1' } });
  await receiver.start();
});
afterAll(async () => {
  await receiver.stop();
  await stack.stop();
  await server.stop();
});

const names = Array.from({ length: 3 }, () => `vm-${randomUUID().slice(0, 8)}`);

async function accepted(method: string, path: string, body?: object): Promise<void> {
  await eventually(async () => {
    const { status } = await stack.call(method, path, body);
    expect(status, path).toBeLessThan(300);
  }, 60_000);
}

/** The numbers of each VM without repeats, in the order in which they came first. */
const firsts = (): number[][] => names.map((name) => [...new Set(receiver.numbersOf(name))]);

it('a webhook whose endpoint is down gets every event, in order, after kill -9 of API, worker and Temporal', async () => {
  onTestFailed(async () => console.log(receiver.forged, firsts(), await stack.logs()));
  const made = await stack.call('POST', '/v1/webhooks', { url: receiver.url });
  expect(made.status).toBe(201);
  receiver.secret = String(made.body['secret']);
  for (const name of names.slice(0, 2)) await accepted('POST', '/v1/vms?wait=ready', { name, template: 'chat' });
  await eventually(() => expect(firsts()[0]?.length).toBeGreaterThanOrEqual(3));

  await receiver.stop();
  await accepted('POST', '/v1/vms?wait=ready', { name: names[2], template: 'chat' });
  await accepted('DELETE', `/v1/vms/${names[0]}?wait=destroyed`);
  // One replica at a time, so that what the other one does meanwhile is cut off too.
  await stack.apis[0]!.kill();
  await Promise.all([stack.apis[1]!.kill(), stack.worker.kill()]);
  await server.kill();
  await server.restart();
  await Promise.all([stack.worker.start(), ...stack.apis.map((api) => api.start())]);
  await accepted('DELETE', `/v1/vms/${names[1]}?wait=destroyed`);
  await receiver.start();
  await accepted('DELETE', `/v1/vms/${names[2]}?wait=destroyed`);

  await eventually(() => {
    for (const name of names) {
      expect(receiver.taken.filter(({ data }) => data['vm'] === name).map(({ type }) => type)).toContain(
        'vm.destroyed',
      );
    }
    for (const numbers of firsts()) expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  }, 90_000);
  expect(receiver.forged).toEqual([]);
  expect(receiver.taken.some(({ type }) => type === 'vm.gap')).toBe(false);
}, 240_000);
