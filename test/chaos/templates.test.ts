/** Puts of templates while API and worker are killed: what was answered is there, and nothing is there twice. */
import { afterAll, beforeAll, expect, it, onTestFailed } from 'vitest';
import { eventually, startStack, type ApiAnswer, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const NAMES = Array.from({ length: 8 }, (_, index) => `t-${index}`);

let server: TestServer;
let stack: Stack;
beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({ server, apiReplicas: 2 });
}, 120_000);
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

const put = (name: string, replica: number): Promise<ApiAnswer> =>
  stack.call('PUT', `/v1/templates/${name}`, { spec: { image: 'vm-server' } }, replica);

it('a PUT during which API and worker are killed is there afterwards if it was answered, and once', async () => {
  onTestFailed(async () => console.error(await stack.logs()));
  let killed: Promise<unknown> | undefined;
  const kill = (): void => {
    killed ??= Promise.all([stack.worker.kill(), stack.apis[0]!.kill()]);
  };
  const answers = await Promise.all(
    NAMES.map((name) =>
      put(name, 0)
        .finally(kill)
        .catch(() => undefined),
    ),
  );
  await killed;
  const good = NAMES.filter((_, index) => [200, 201, 202].includes(answers[index]?.status ?? 0));
  expect(good.length).toBeGreaterThan(0);
  const kept = await Promise.all(good.map((name) => put(name, 1)));
  expect(kept.map(({ status }) => status)).toEqual(good.map(() => 202));
  await Promise.all([stack.worker.start(), stack.apis[0]!.start()]);
  // What the killed worker had taken, Temporal takes back after some seconds.
  const answer = async (name: string): Promise<ApiAnswer | undefined> => {
    const answered = await put(name, 1);
    return answered.status === 202 ? undefined : answered;
  };
  const again = await Promise.all(NAMES.map((name) => eventually(stack, `the answer for ${name}`, () => answer(name))));
  for (const [index, { status, body }] of again.entries()) {
    expect([status, body['version']]).toEqual([good.includes(NAMES[index]!) ? 200 : expect.any(Number), 1]);
  }
  await eventually(stack, 'every template on the replica that was started again', async () => {
    const { body } = await stack.call('GET', '/v1/templates', undefined, 0);
    const seen = (body['templates'] as { name: string; version: number; builtIn: boolean }[]).filter(
      ({ builtIn }) => !builtIn,
    );
    return seen.length === NAMES.length && seen.every(({ version }) => version === 1) ? true : undefined;
  });
}, 90_000);
