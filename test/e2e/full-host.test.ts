import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { ensureImage } from '../../test-support/machines/guest-image.ts';
import { joinChat } from '../../test-support/chat-client.ts';
import { whyNoGuests } from '../../test-support/machines/qemu-harness.ts';
import { seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

/** From a create to a guest's ready app, under software emulation beside other tests. */
const READY_SECONDS = 120;
const MEMORY_MB = 512;

describe.skipIf(whyNoGuests())('a host with room for one virtual machine', () => {
  let server: TestServer;
  let stack: Stack;
  beforeAll(async () => {
    const image = await ensureImage();
    server = await startTestServer();
    const env = {
      EPHEMERA_PROVIDER: 'qemu',
      EPHEMERA_QEMU_IMAGE_DIR: dirname(image.kernel),
      EPHEMERA_QEMU_ACCELERATOR: 'tcg',
      EPHEMERA_HOST_MEMORY_MB: `${MEMORY_MB}`,
    };
    stack = await startStack({ server, env });
  }, 300_000);
  afterAll(async () => {
    await stack.stop();
    await server.stop();
  });

  it('lets the second one wait, says why, and gives it the room of the first when that is destroyed', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const first = await stack.calls.createVm(
      { name: 'first', template: 'chat' },
      { wait: 'ready', timeoutSeconds: READY_SECONDS },
    );
    expect(first.status, JSON.stringify(first.body)).toBe(201);
    const second = await stack.calls.createVm({ name: 'second', template: 'chat' });
    expect(second.status, JSON.stringify(second.body)).toBe(201);

    const full =
      /waiting for a host with room: asked 1 cpus, 512 MB of memory, .*; free .* 0 MB of memory, .*; it is the next one/;
    const waiting = await seeVm(stack, 'second', 'waiting for a host with room', ({ detail }) =>
      full.test(detail ?? ''),
    );
    expect(waiting).toMatchObject({ state: 'creating', detail: expect.stringMatching(/^noCapacity: /) as string });
    // It waits in its queue, where no worker is busy with it.
    expect(await pendingCreate(second.body.workflowId)).toEqual({ started: false, tries: 1 });
    expect(await stack.machines()).toEqual([first.body.machineId]);

    await stack.calls.destroyVm('first');
    const placed = await seeVm(stack, 'second', 'running', ({ state }) => state === 'running', READY_SECONDS * 1000);
    expect(placed.detail).toBeUndefined();
    await (await joinChat(placed.address!.ip, 8080, 'lobby', 'ann')).leave();
    expect(await stack.machines()).toEqual([placed.machineId]);

    const ended = await stack.calls.destroyVm('second', { wait: 'destroyed', timeoutSeconds: 60 });
    expect(ended.body).toMatchObject({ state: 'destroyed', reason: 'requested' });
    expect(await stack.machines()).toEqual([]);
  });

  /** The create as Temporal's Web UI shows it. */
  async function pendingCreate(workflowId: string): Promise<{ started: boolean; tries: number }> {
    const { raw } = await server.client.workflow.getHandle(workflowId).describe();
    const create = raw.pendingActivities?.[0];
    return { started: Boolean(create?.lastStartedTime), tries: create?.attempt ?? 0 };
  }
});
