import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { ensureImage } from '../../scripts/image.ts';
import { joinChat } from '../chat-client.ts';
import { whyNoGuests } from '../provider/qemu-harness.ts';
import { eventually, seeVm, startStack, type Stack } from '../stack.ts';
import { startTestServer, type TestServer } from '../temporal-server.ts';

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
    const first = await stack.call('POST', `/v1/vms?wait=ready&timeoutSeconds=${READY_SECONDS}`, {
      name: 'first',
      template: 'chat',
    });
    expect(first.status, JSON.stringify(first.body)).toBe(201);
    const second = await stack.call('POST', '/v1/vms', { name: 'second', template: 'chat' });
    expect(second.status, JSON.stringify(second.body)).toBe(201);

    const full =
      /waiting for room on this host: asked 1 cpus, 512 MB of memory, .*; free .* 0 MB of memory, .*; it is the next one/;
    const waiting = await seeVm(stack, 'second', 'waiting for room', ({ detail }) => full.test(detail ?? ''));
    expect(waiting).toMatchObject({ state: 'creating', detail: expect.stringMatching(/^noCapacity: /) as string });
    const { type, message } = await pendingFailure(second.body['workflowId'] as string);
    expect(type).toBe('noCapacity');
    expect(message).toMatch(full);
    expect(await stack.machines()).toEqual([first.body.machineId]);

    await stack.call('DELETE', '/v1/vms/first');
    const placed = await seeVm(stack, 'second', 'running', ({ state }) => state === 'running', READY_SECONDS * 1000);
    expect(placed.detail).toBeUndefined();
    await (await joinChat(placed.address!.ip, 8080, 'lobby', 'ann')).leave();
    expect(await stack.machines()).toEqual([placed.machineId]);

    const ended = await stack.call('DELETE', '/v1/vms/second?wait=destroyed&timeoutSeconds=60');
    expect(ended.body).toMatchObject({ state: 'destroyed', reason: 'requested' });
    expect(await stack.machines()).toEqual([]);
  });

  /** The latest failure of the create as Temporal's Web UI shows it. */
  function pendingFailure(workflowId: string): Promise<{ type: string; message: string }> {
    return eventually(stack, 'a failure on the pending create', async () => {
      const { raw } = await server.client.workflow.getHandle(workflowId).describe();
      const failure = raw.pendingActivities?.[0]?.lastFailure;
      const type = failure?.applicationFailureInfo?.type;
      return failure?.message && type ? { type, message: failure.message } : undefined;
    });
  }
});
