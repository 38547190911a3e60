import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest';
import type { ApiRequest } from '../../api/schemas/request.ts';
import { plainRequest } from '../../test-support/api/plain-request.ts';
import { eventually, startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

let server: TestServer;
let stack: Stack;
beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({ server, apiReplicas: 2 });
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

async function later(method: string, path: string, body?: object): Promise<ApiRequest> {
  const answer = await plainRequest({ url: stack.apis[0]!.url, key: stack.apiKey }, method, path, {
    ...(body === undefined ? {} : { body }),
    headers: { prefer: 'respond-async' },
  });
  expect(answer.status, answer.text).toBe(202);
  return JSON.parse(answer.text) as ApiRequest;
}

/** As the replica that is there says. */
const ended = ({ id }: ApiRequest, replica: number): Promise<ApiRequest> =>
  eventually(
    stack,
    `the end of ${id}`,
    async () => {
      const { status, body } = await stack.call('GET', `/v1/requests/${id}`, undefined, replica);
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
      const request = body as unknown as ApiRequest;
      if (request.endedAt === undefined) throw new Error(JSON.stringify(request));
      return request;
    },
    60_000,
  );

it('requests that were accepted are done in their order after kill -9 of API, worker and Temporal', async () => {
  onTestFailed(async () => console.log(await stack.logs()));
  const name = `vm-${randomUUID().slice(0, 8)}`;
  await stack.worker.kill();
  const asked = [
    await later('POST', '/v1/vms', { name, template: 'chat' }),
    await later('POST', `/v1/vms/${name}/stop`),
    await later('POST', `/v1/vms/${name}/start`),
  ];
  await Promise.all(stack.apis.map((api) => api.kill()));
  await server.kill();
  await server.restart();
  await Promise.all([stack.worker.start(), stack.apis[1]!.start()]);
  const done = await Promise.all(asked.map((request) => ended(request, 1)));
  expect(done.map(({ state, result, problem }) => problem ?? [state, result?.vm?.state])).toEqual([
    ['done', 'running'],
    ['done', 'stopped'],
    ['done', 'running'],
  ]);
  expect(new Set(done.map(({ result }) => result?.vm?.uid)).size).toBe(1);
  expect(await stack.machines()).toHaveLength(1);
  await stack.apis[0]!.start();
});

it('a request whose replica is killed while it is done is done by the other one, once', async () => {
  onTestFailed(async () => console.log(await stack.logs()));
  // The replica that is alone takes it; without a worker its VM stays on its way.
  await stack.apis[1]!.kill();
  await stack.worker.kill();
  const name = `vm-${randomUUID().slice(0, 8)}`;
  const control = stack.worker;
  const before = await stack.machines();
  const request = await later('POST', '/v1/vms', { name, template: 'chat' });
  await control.start();
  await eventually(stack, 'a VM', async () =>
    (await stack.call('GET', `/v1/vms/${name}`)).status === 200 ? true : undefined,
  );
  await Promise.all([stack.apis[0]!.kill(), stack.apis[1]!.start()]);
  const { state, result, problem } = await ended(request, 1);
  expect(problem ?? [state, result?.vm?.name, result?.vm?.state]).toEqual(['done', name, 'running']);
  const left = (await stack.machines()).filter((id) => !before.includes(id));
  expect(left).toHaveLength(1);
  await stack.apis[0]!.start();
});
