/** A guest that writes to its console without end: the disk of its host is not its to fill. */
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONSOLE_LIMIT_BYTES } from '../../../domain/machine/local-machine.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { imageWith } from '../../../test-support/machines/qemu-image-layer.ts';
import {
  BOOT_MS,
  askPort,
  guestRequest,
  setUpGuests,
  whyNoGuests,
} from '../../../test-support/machines/qemu-harness.ts';

const never = { signal: new AbortController().signal };
const HARD_LIMIT_BYTES = CONSOLE_LIMIT_BYTES + 128 * 1024;
/** Beyond its limit a file has what we ourselves wrote about the boot, and no more. */
const SLACK_BYTES = 1024;
const FLOOD = `#!/bin/busybox sh
/bin/busybox mknod /dev/null c 1 3
/bin/busybox yes 'a line that nobody wants to read, again and again and again and again and again' >/dev/console &
exec /ephemera/init
`;

describe.skipIf(whyNoGuests())('a guest that floods its console', () => {
  const setUp = setUpGuests();

  it('goes on at the hard limit while no worker runs, and is cut to its newest lines by the next one', async () => {
    const image = await imageWith(setUp.built, { init: FLOOD }, setUp.directory);
    const harness = await setUp.start(image, { consoleHardLimitBytes: HARD_LIMIT_BYTES });
    const request = guestRequest();
    const console_ = join(harness.dirOf(request.machineId), 'console.log');
    const bytes = async (): Promise<number> => (await stat(console_)).size;
    const maker = harness.createElsewhere(request);
    await once(maker.stdout!, 'data');
    const ended = once(maker, 'exit');
    maker.kill('SIGKILL');
    await ended;
    await eventually(async () => expect(await bytes()).toBeGreaterThanOrEqual(HARD_LIMIT_BYTES), 2 * BOOT_MS);

    const [machine] = await harness.provider.list(never);
    expect(await askPort(machine!, 2 * BOOT_MS)).toContain('200');
    await eventually(async () => expect(await bytes()).toBeLessThan(0.75 * CONSOLE_LIMIT_BYTES), 30_000);
    for (let look = 0; look < 50; look += 1) {
      expect(await bytes()).toBeLessThanOrEqual(HARD_LIMIT_BYTES + SLACK_BYTES);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const text = new TextDecoder().decode(
      await harness.provider.readConsole(request.machineId, { maxBytes: 1000 }, never),
    );
    expect(text).toContain('a line that nobody wants to read');
    expect(await harness.provider.describe(request.machineId, never)).toMatchObject({ status: 'running' });
  }, 300_000);
});
