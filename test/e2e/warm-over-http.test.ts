/** Pools of machines whose agents report to the API, as those of clouds do. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest';
import { filesWith } from '../../test-support/secret-search.ts';
import { eventually, seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

let server: TestServer;
let stack: Stack;

beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({ server, agentTransport: 'http' });
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

it('a create gets a machine that waits, with its secrets, and another one takes its place', async () => {
  onTestFailed(async () => console.log(await stack.logs()));
  const template = `t-${randomUUID().slice(0, 8)}`;
  const spec = { image: 'vm-server', ports: [{ name: 'http', port: 8080 }] };
  const warm = { min: 2, max: 2, ttlSeconds: 600 };
  const put = await stack.call('PUT', `/v1/templates/${template}`, { spec, warm });
  expect(put.status, JSON.stringify(put.body)).toBe(201);
  const untilReady = (): Promise<true> =>
    eventually(stack, 'two machines that wait', async () => {
      const { pools = [] } = (await stack.call('GET', '/v1/pools')).body as { pools?: { ready: number }[] };
      return pools[0]?.ready === 2 ? true : undefined;
    });
  await untilReady();
  const waiting = await stack.machines();
  const title = `title-${randomUUID()}`;
  const asked = { template, secretEnv: { CHAT_TITLE: title } };
  const made = await stack.calls.createVm(asked, { wait: 'ready', timeoutSeconds: 60 });
  const { status, body } = made;
  expect([status, body.state, body.startedFrom], JSON.stringify(body)).toEqual([201, 'running', 'warm']);
  expect(waiting).toContain(body.machineId);
  const { ip, ports } = body.address!;
  expect(await (await fetch(`http://${ip}:${ports[0]!.port}/`)).text()).toContain(title);
  expect(await filesWith(stack.stateDir, title)).toEqual([]);
  await untilReady();
  await stack.calls.destroyVm(body.name, { wait: 'destroyed' });
  await seeVm(stack, body.name, 'destroyed', ({ state }) => state === 'destroyed');
  expect(await stack.machines()).toHaveLength(2);
});
