/** Guests that wait in a pool, are stopped, given to the next user, closed and reopened, through the whole of Ephemera. */
import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { eventually } from '../../test-support/eventually.ts';
import { ensureImage } from '../../test-support/machines/guest-image.ts';
import { temporaryDirectory, whyNoGuests } from '../../test-support/machines/qemu-harness.ts';
import { imageWith } from '../../test-support/machines/qemu-image-layer.ts';
import { filesWith } from '../../test-support/secret-search.ts';
import { seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { putTemplate } from '../../test-support/trials/put-template.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

/** Of a guest's boot, under software emulation beside other tests. */
const READY = { wait: 'ready', timeoutSeconds: 120 } as const;
const BOOT_MS = 120_000;

/** Beside the machine program: says what is on the disk at each boot, and leaves something for the next one. */
const FIRST_PROCESS = `#!/bin/busybox sh
/bin/busybox mknod /dev/null c 1 3
(
  while [ ! -e /run/agent.sock ]; do /bin/busybox sleep 1; done
  echo "ON THE DISK: $(ls /data | grep -v lost+found | tr '\\n' ' ')." >/dev/console 2>&1
  echo left >/data/leftover
) &
exec /ephemera/init
`;

/** Looks everywhere in a guest for what begins as the secret of its former user does. The pattern is not its own find. */
const SEARCH = `
search() {
  find / -xdev -type f -size -2048k 2>/dev/null | xargs grep -lE 'pas[t]-[0-9a-f]' 2>/dev/null
  find /data /tmp /run -type f 2>/dev/null | xargs grep -lE 'pas[t]-[0-9a-f]' 2>/dev/null
  for process in /proc/[0-9]*; do
    cat "$process/environ" "$process/cmdline" 2>/dev/null | tr '\\000' '\\n' | grep -qE 'pas[t]-[0-9a-f]' && echo "$(cat "$process/comm")"
  done
}
echo "SEARCHED: $(search | sort -u | tr '\\n' ' ')."
`;
/** What a user leaves: a file on the disk, one in memory, and a process with the secret in its environment. */
const LEAVE = `#!/bin/sh
echo "FOUND: $(cat /data/notes 2>/dev/null)."
echo "$TOKEN" >/data/notes
echo "$TOKEN" >/tmp/notes
sleep 100000 &
${SEARCH}`;

const shape = { provider: 'qemu', image: 'vm-server', diskGb: 1, ports: [{ name: 'http', port: 8080 }] };

describe.skipIf(whyNoGuests() !== undefined)('a real virtual machine', () => {
  let server: TestServer;
  let stack: Stack;
  let directory: string;
  beforeAll(async () => {
    directory = await temporaryDirectory();
    const image = await imageWith(await ensureImage(), { init: FIRST_PROCESS }, directory);
    server = await startTestServer();
    const env = {
      EPHEMERA_PROVIDER: 'qemu',
      EPHEMERA_QEMU_IMAGE_DIR: dirname(image.kernel),
      EPHEMERA_QEMU_ACCELERATOR: 'tcg',
    };
    stack = await startStack({ server, env });
  }, 300_000);
  afterAll(async () => {
    await stack.stop();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const consoleOf = async (name: string): Promise<string> => (await stack.calls.getConsole(name)).body.text;
  const machineDir = (machineId: string): string => join(stack.stateDir, 'machines-qemu', machineId);
  const waiting = (template: string): Promise<void> =>
    eventually(async () => {
      const { body } = await stack.call('GET', '/v1/pools');
      const pools = body['pools'] as { template: string; ready: number }[];
      expect(pools.find((pool) => pool.template === template)?.ready).toBe(1);
    }, BOOT_MS);

  it(
    'waits in a pool and is had at once, keeps its data over a stop and a close, and the next user finds nothing of it',
    { timeout: 6 * BOOT_MS },
    async () => {
      onTestFailed(async () => console.log(await stack.logs()));
      const template = `t-${randomUUID().slice(0, 8)}`;
      await putTemplate(stack, template, { spec: shape, warm: { min: 1, max: 1, ttlSeconds: 3600 } });
      await waiting(template);
      const [warm = ''] = await stack.machines();
      const name = `vm-${randomUUID().slice(0, 8)}`;
      const token = `past-${randomUUID()}`;
      const body = { name, template, secretEnv: { TOKEN: token }, startupScript: LEAVE };
      const made = await stack.calls.createVm(body, READY);
      expect(made.status, JSON.stringify(made.body)).toBe(201);
      expect(made.body).toMatchObject({ startedFrom: 'warm', machineId: warm });
      // What the search has to find where there is something.
      expect(await consoleOf(name)).toMatch(/FOUND: \.\s+SEARCHED: \/data\/notes \/tmp\/notes .*sleep.*\./);

      expect((await stack.calls.stopVm(name)).status).toBe(200);
      await seeVm(stack, name, 'stopped', ({ state }) => state === 'stopped');
      const woken = await stack.calls.createVm(body, READY);
      expect(woken.status, JSON.stringify(woken.body)).toBe(200);
      expect(woken.body).toMatchObject({ startedFrom: 'stopped', machineId: warm });
      expect(await consoleOf(name)).toContain(`FOUND: ${token}.`);

      expect((await stack.calls.closeVm(name)).status).toBe(200);
      await seeVm(stack, name, 'closed', ({ state, reason }) => state === 'destroyed' && reason === 'closed');
      expect(await stack.machines()).not.toContain(warm);
      const images = (await stack.calls.listImages()).body.images.filter((image) => image.vm === name);
      expect(images).toMatchObject([{ name: `${name}-1`, state: 'ready', usedBy: [] }]);
      expect(images[0]!.sizeBytes).toBeGreaterThan(0);

      await waiting(template);
      const next = { name: `vm-${randomUUID().slice(0, 8)}`, template, startupScript: `#!/bin/sh\n${SEARCH}` };
      const other = await stack.calls.createVm(next, READY);
      expect(other.body, JSON.stringify(other.body)).toMatchObject({ startedFrom: 'warm', state: 'running' });
      expect(await consoleOf(next.name)).toContain('SEARCHED: .');
      expect(await filesWith(machineDir(other.body.machineId), token)).toEqual([]);
      await putTemplate(stack, template, { spec: shape });
      expect((await stack.calls.destroyVm(next.name, { wait: 'destroyed' })).status).toBe(200);

      const reopened = await stack.calls.reopenVm(name, READY);
      expect(reopened.status, JSON.stringify(reopened.body)).toBe(201);
      expect(reopened.body).toMatchObject({ startedFrom: 'image', state: 'running' });
      expect(await consoleOf(name)).toContain(`FOUND: ${token}.`);
      expect((await stack.calls.destroyVm(name, { wait: 'destroyed' })).status).toBe(200);
      expect((await stack.calls.deleteImage(`${name}-1`)).status).toBe(202);
      await eventually(async () => {
        expect(await readdir(join(stack.stateDir, 'machines-qemu-images'))).toEqual([]);
        expect(await stack.machines()).toEqual([]);
      }, BOOT_MS);
    },
  );

  it('that its user left is reset for the next one', { timeout: 4 * BOOT_MS }, async () => {
    onTestFailed(async () => console.log(await stack.logs()));
    const template = `t-${randomUUID().slice(0, 8)}`;
    await putTemplate(stack, template, { spec: { ...shape, idle: { action: 'stop' } }, reuse: 'empty' });
    const made = await stack.calls.createVm({ template }, READY);
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    const { name, machineId } = made.body;
    await eventually(async () => expect(await consoleOf(name)).toContain('ON THE DISK: .'), BOOT_MS);
    expect((await stack.calls.stopVm(name)).status).toBe(200);
    await seeVm(stack, name, 'stopped', ({ state }) => state === 'stopped');
    const next = await stack.calls.createVm({ template }, READY);
    expect(next.status, JSON.stringify(next.body)).toBe(200);
    expect(next.body).toMatchObject({ name, machineId, startedFrom: 'stopped' });
    await eventually(async () => expect(await consoleOf(name)).toContain('ON THE DISK: .'), BOOT_MS);
    expect(await consoleOf(name)).not.toContain('leftover');
    expect((await stack.calls.destroyVm(name, { wait: 'destroyed' })).status).toBe(200);
  });
});
