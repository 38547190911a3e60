/** Worker, host, API and Temporal's server are killed while sessions are closed and reopened: each is in another step by then. */
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import { eventually, seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

/** What an activity costs whose worker was killed with it in its hands. */
const SLOW_MS = 90_000;
const BETWEEN_MS = 60;
const READY = { wait: 'ready', timeoutSeconds: 60 } as const;
const KEEPS_A_WORD = `#!/bin/sh -e
cd "$EPHEMERA_DATA_DIR"
echo "found: $(cat kept 2>/dev/null || echo nothing)"
echo "$WORD" > kept
`;

let server: TestServer;
let stack: Stack;
const sessions = Array.from({ length: 4 }, (_, at) => ({
  name: `s${at}-${randomUUID().slice(0, 8)}`,
  word: randomUUID(),
}));

beforeAll(async () => {
  server = await startTestServer();
  const env = {
    EPHEMERA_IMAGES_DIRTY_SECONDS: '0',
    EPHEMERA_IMAGES_SWEEP_INTERVAL_SECONDS: '5',
    EPHEMERA_SWEEP_INTERVAL_SECONDS: '5',
  };
  stack = await startStack({ server, controlWorkers: 1, env });
  const made = sessions.map(({ name, word }) =>
    stack.calls.createVm({ name, template: 'chat', secretEnv: { WORD: word }, startupScript: KEEPS_A_WORD }, READY),
  );
  for (const { status, body } of await Promise.all(made)) expect(status, JSON.stringify(body)).toBe(201);
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

const PARTS: Record<string, { kill: () => Promise<void>; start: () => Promise<void> }> = {
  'the control worker': { kill: () => stack.controls[0]!.kill(), start: () => stack.controls[0]!.start() },
  'the host': { kill: () => stack.worker.kill(), start: () => stack.worker.start() },
  'the API': { kill: () => stack.apis[0]!.kill(), start: () => stack.apis[0]!.start() },
  "Temporal's server": { kill: () => server.kill(), start: () => server.restart() },
};

/** Whether the activity was asked for in the latest life of the name; for a reopen that is one that lives. */
async function hasAskedFor(name: string, activity: 'destroyMachine' | 'createMachine'): Promise<boolean> {
  const handle = server.client.workflow.getHandle(vmWorkflowId('default', name));
  if (activity === 'createMachine' && (await handle.describe()).status.name !== 'RUNNING') return false;
  const { events } = await handle.fetchHistory();
  return events?.some((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity) ?? false;
}

/** Asks for each session a moment after the one before, and kills the part once the first one is so far; then asks again until each is so. */
async function around(
  part: { kill: () => Promise<void>; start: () => Promise<void> },
  {
    ask,
    last,
    isDone,
  }: {
    ask: (name: string) => Promise<unknown>;
    last: 'destroyMachine' | 'createMachine';
    isDone: (name: string) => Promise<boolean>;
  },
): Promise<void> {
  const asked = sessions.map(async ({ name }, at) => {
    await sleep(at * BETWEEN_MS);
    await ask(name).catch(() => undefined);
  });
  const first = sessions[0]!.name;
  await eventually(
    stack,
    `${first}: ${last}`,
    async () => ((await hasAskedFor(first, last)) ? true : undefined),
    SLOW_MS,
  );
  await part.kill();
  await Promise.all(asked);
  await part.start();
  for (const { name } of sessions) {
    await eventually(
      stack,
      `${name} is as it was asked for`,
      async () => {
        if (await isDone(name)) return true;
        await ask(name);
        return undefined;
      },
      SLOW_MS,
    );
  }
}

const close = (name: string) => stack.calls.closeVm(name);
const reopen = (name: string) => stack.calls.reopenVm(name);
const isClosed = async (name: string): Promise<boolean> => {
  const { state, reason } = (await stack.calls.getVm(name, { fresh: true })).body;
  return state === 'destroyed' && reason === 'closed';
};
const isRunning = async (name: string): Promise<boolean> =>
  (await stack.calls.getVm(name, { fresh: true })).body.state === 'running';
const imagesOf = async (name: string) => (await stack.calls.listImages()).body.images.filter(({ vm }) => vm === name);
const onDisk = (): Promise<string[]> => readdir(join(stack.stateDir, 'machine-images'));

describe.each(Object.keys(PARTS))('a kill -9 of %s', (name) => {
  const part = PARTS[name]!;

  it('in the midst of closes leaves each session with one good image, no machine, and nothing else on the disk', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    await around(part, { ask: close, last: 'destroyMachine', isDone: isClosed });
    expect(await stack.machines()).toEqual([]);
    const oneOfEach = async () => {
      const images = (await Promise.all(sessions.map((session) => imagesOf(session.name)))).flat();
      return images.length === sessions.length && images.every(({ state }) => state === 'ready') ? images : undefined;
    };
    // The deletion of a dirty image may have died with its host.
    const good = await eventually(stack, 'one image of each session', oneOfEach, SLOW_MS);
    expect((await onDisk()).sort()).toEqual(good.map(({ imageId }) => imageId).sort());
  }, 240_000);

  it('in the midst of reopens gives each session one machine with what was on its disk', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    await around(part, { ask: reopen, last: 'createMachine', isDone: isRunning });
    const machineIds = await Promise.all(
      sessions.map(async ({ name: vm, word }) => {
        const { machineId } = await seeVm(stack, vm, 'running', ({ state }) => state === 'running');
        expect((await stack.calls.getConsole(vm)).body.text).toContain(`found: ${word}`);
        expect((await imagesOf(vm)).map(({ usedBy }) => usedBy)).toEqual([[vm]]);
        return machineId;
      }),
    );
    const areAlone = async () => (await stack.machines()).sort().join() === machineIds.sort().join() || undefined;
    await eventually(stack, 'their machines alone', areAlone, SLOW_MS);
  }, 240_000);
});
