import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { eventually } from '../../test-support/eventually.ts';
import { seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const WAIT_MS = 60_000;
const READY = { wait: 'ready', timeoutSeconds: 60 } as const;

/** Says what an earlier life of the name has left, and leaves something for the next one, with many files beside it. */
const REMEMBERS = `#!/bin/sh -e
cd "$EPHEMERA_DATA_DIR"
echo "found: $(cat kept 2>/dev/null || echo nothing) and $(ls many 2>/dev/null | wc -l) files"
echo "$WORD" > kept
mkdir -p many
i=0; while [ $i -lt 400 ]; do echo "$i" > many/$i; i=$((i+1)); done
`;

let server: TestServer;
let stack: Stack;
beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({ server });
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

const bodyOf = (name: string, word: string) => ({
  ...{ name, template: 'chat', secretEnv: { WORD: word }, startupScript: REMEMBERS },
});
const consoleOf = async (name: string): Promise<string> => (await stack.calls.getConsole(name)).body.text;
const closed = async (name: string): Promise<void> => {
  await seeVm(stack, name, 'closed', ({ state, reason }) => state === 'destroyed' && reason === 'closed');
};
const imagesOf = async (vm: string) => (await stack.calls.listImages()).body.images.filter((image) => image.vm === vm);
const filesOfImages = (): Promise<string[]> => readdir(join(stack.stateDir, 'machine-images'));

describe('a session on real machines', () => {
  it('is closed and reopened with what was on its disk and its secrets, again and again', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const name = `vm-${randomUUID().slice(0, 8)}`;
    const word = randomUUID();
    const made = await stack.calls.createVm(bodyOf(name, word), READY);
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    expect(await consoleOf(name)).toContain('found: nothing and 0 files');
    expect((await stack.calls.reopenVm(name)).body).toMatchObject({ code: 'vmLive' });
    expect((await stack.calls.closeVm(name)).status).toBe(200);
    await closed(name);
    expect(await stack.machines()).toEqual([]);
    expect(await imagesOf(name)).toMatchObject([{ name: `${name}-1`, state: 'ready', family: name, usedBy: [] }]);

    const reopened = await stack.calls.reopenVm(name, READY);
    expect(reopened.status, JSON.stringify(reopened.body)).toBe(201);
    expect(reopened.body).toMatchObject({ startedFrom: 'image', state: 'running' });
    expect(reopened.body.machineId).not.toBe(made.body.machineId);
    expect(await consoleOf(name)).toContain(`found: ${word} and 400 files`);

    expect((await stack.calls.closeVm(name)).status).toBe(200);
    await closed(name);
    await eventually(async () => {
      expect((await imagesOf(name)).map(({ state }) => state)).toEqual(['dirty', 'ready']);
    }, WAIT_MS);
    const again = await stack.calls.createVm(bodyOf(name, word), READY);
    expect(again.status, JSON.stringify(again.body)).toBe(201);
    expect(again.body).toMatchObject({ startedFrom: 'image' });
    expect(await consoleOf(name)).toContain(`found: ${word} and 400 files`);
    expect((await stack.calls.destroyVm(name, { wait: 'destroyed' })).status).toBe(200);

    const clean = await stack.calls.createVm({ ...bodyOf(name, word), fresh: true }, READY);
    expect(clean.body).toMatchObject({ startedFrom: 'new' });
    expect(await consoleOf(name)).toContain('found: nothing and 0 files');
    expect((await stack.calls.destroyVm(name, { wait: 'destroyed' })).status).toBe(200);

    for (const image of await imagesOf(name)) {
      expect((await stack.calls.deleteImage(image.name)).status).toBe(202);
    }
    await eventually(async () => expect(await filesOfImages()).toEqual([]), WAIT_MS);
    expect((await stack.calls.reopenVm(name)).body).toMatchObject({ code: 'neverClosed' });
  });

  it('whose newest image is gone under its start keeps the others: that start fails and says so, the next one has them', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const name = `vm-${randomUUID().slice(0, 8)}`;
    const word = randomUUID();
    expect((await stack.calls.createVm(bodyOf(name, word), READY)).status).toBe(201);
    expect((await stack.calls.snapshotVm(name, {})).status).toBe(200);
    await seeVm(
      stack,
      name,
      'back from its snapshot',
      ({ state, startedFrom }) => state === 'running' && startedFrom === 'stopped',
    );
    expect((await stack.calls.closeVm(name)).status).toBe(200);
    await closed(name);
    const [snapshot, newest] = await imagesOf(name);
    // Somebody takes it from the host by hand: nothing of ours does that under a start.
    await rm(join(stack.stateDir, 'machine-images', newest!.imageId), { recursive: true });
    await stack.calls.reopenVm(name);
    const failed = await seeVm(stack, name, 'failed', ({ state }) => state === 'failed' || state === 'destroyed');
    expect(failed).toMatchObject({ reason: 'createFailed', detail: `image ${newest!.imageId} is not on this host` });
    expect((await imagesOf(name)).map(({ imageId, state }) => [imageId, state])).toEqual([
      [snapshot!.imageId, 'ready'],
      [newest!.imageId, 'ready'],
    ]);
    expect((await stack.calls.deleteImage(newest!.name)).status).toBe(202);
    const reopened = await stack.calls.reopenVm(name, READY);
    expect(reopened.status, JSON.stringify(reopened.body)).toBe(201);
    expect(await consoleOf(name)).toContain(`found: ${word} and 400 files`);
    expect((await stack.calls.destroyVm(name, { wait: 'destroyed' })).status).toBe(200);
  });

  it('is whole after its worker was killed in the middle of its image: one image, no machine, nothing lost', async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const name = `vm-${randomUUID().slice(0, 8)}`;
    const word = randomUUID();
    const made = await stack.calls.createVm(bodyOf(name, word), READY);
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    await stack.calls.closeVm(name);
    await seeVm(stack, name, 'imaging', ({ state }) => state !== 'running' && state !== 'stopping');
    await stack.worker.kill();
    await stack.worker.start();
    await closed(name);
    expect(await stack.machines()).toEqual([]);
    expect((await imagesOf(name)).map(({ state }) => state)).toEqual(['ready']);
    const reopened = await stack.calls.reopenVm(name, READY);
    expect(reopened.status, JSON.stringify(reopened.body)).toBe(201);
    expect(await consoleOf(name)).toContain(`found: ${word} and 400 files`);
    expect((await stack.calls.destroyVm(name, { wait: 'destroyed' })).status).toBe(200);
  });
});
