/** A real guest that is stopped and started again, with what it had written to its disk. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../../test-support/eventually.ts';
import { imageWith } from '../../../test-support/machines/qemu-image-layer.ts';
import {
  BOOT_MS,
  askPort,
  guestRequest,
  guestSpec,
  setUpGuests,
  whyNoGuests,
} from '../../../test-support/machines/qemu-harness.ts';

const never = { signal: new AbortController().signal };

/** Tells, beside the machine program, what an earlier boot left on the disk, and leaves a word; nothing syncs it but the shutdown. */
const REMEMBERS = `#!/bin/busybox sh
/bin/busybox mknod /dev/null c 1 3
(
  while [ ! -e /run/agent.sock ]; do /bin/busybox sleep 1; done
  exec >/dev/console 2>&1
  echo "FOUND $(cat /data/word 2>/dev/null || echo nothing)."
  echo kept >/data/word
  echo "WRITTEN."
) &
exec /ephemera/init
`;

describe.skipIf(whyNoGuests())('a guest that is stopped', () => {
  const guests = setUpGuests();

  it('and reset finds after its start nothing of what it had written', { timeout: 4 * BOOT_MS }, async () => {
    const image = await imageWith(guests.built, { init: REMEMBERS }, guests.directory);
    const { provider, restarted, countRunning } = await guests.start(image);
    const { machineId } = await provider.create(guestRequest({ spec: guestSpec({ diskGb: 1 }) }), never);
    const consoleText = async (): Promise<string> => {
      const console = await provider.readConsole(machineId, { maxBytes: 64 * 1024 }, never);
      return new TextDecoder().decode(console);
    };
    await eventually(async () => expect(await consoleText()).toContain('WRITTEN.'), BOOT_MS);
    await provider.power!.stop(machineId, never);
    await provider.power!.reset!(machineId, never);
    const started = await restarted().power!.start({ machineId, agentBootstrap: null }, never);
    await eventually(async () => expect(await consoleText()).toContain('FOUND '), BOOT_MS);
    // Its console is of this boot alone.
    expect(await consoleText()).toContain('FOUND nothing.');
    expect(await consoleText()).not.toContain('FOUND kept.');
    await askPort(started);
    expect(await countRunning(machineId)).toBe(1);
  });

  it('shuts down by itself, and finds after its start what it had written', { timeout: 4 * BOOT_MS }, async () => {
    const image = await imageWith(guests.built, { init: REMEMBERS }, guests.directory);
    const { provider, restarted, countRunning, dirOf } = await guests.start(image);
    const { machineId } = await provider.create(guestRequest({ spec: guestSpec({ diskGb: 1 }) }), never);
    const says = async (words: string): Promise<void> =>
      eventually(async () => {
        const console = await provider.readConsole(machineId, { maxBytes: 64 * 1024 }, never);
        expect(new TextDecoder().decode(console)).toContain(words);
      }, BOOT_MS);
    await says('FOUND nothing.');
    await says('WRITTEN.');
    const booted = join(dirOf(machineId), 'booted.json');
    await eventually(() => expect(existsSync(booted)).toBe(true), BOOT_MS);
    expect(await provider.power!.stop(machineId, never)).toMatchObject({ status: 'stopped', address: null });
    expect(await countRunning(machineId)).toBe(0);
    const started = await restarted().power!.start({ machineId, agentBootstrap: null }, never);
    await says('FOUND kept.');
    await askPort(started);
    expect(await countRunning(machineId)).toBe(1);
  });
});
