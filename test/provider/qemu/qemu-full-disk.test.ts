/** A host whose disk is full: no new guest, a clear word why, and those that run are none the worse. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { QemuImage } from '../../../providers/qemu/image/image-files.ts';
import { ensureImage } from '../../../test-support/machines/guest-image.ts';
import { eventually } from '../../../test-support/eventually.ts';
import {
  askPort,
  guestRequest,
  processesOf,
  qemuHarness,
  whyNoGuests,
  type QemuHarness,
} from '../../../test-support/machines/qemu-harness.ts';
import { smallDisk, whyNoSmallDisk, type SmallDisk } from '../../../test-support/machines/small-disk.ts';

const never = { signal: new AbortController().signal };

describe.skipIf(whyNoGuests() ?? whyNoSmallDisk())('a guest on a full disk', () => {
  let image: QemuImage;
  let disk: SmallDisk;
  let harness: QemuHarness;
  beforeAll(async () => {
    image = await ensureImage();
  }, 180_000);
  beforeEach(async () => {
    disk = await smallDisk(100);
    harness = await qemuHarness(image, { stateDir: join(disk.path, 'state') });
  });
  afterEach(async () => {
    await disk.makeRoom();
    await harness.dispose();
    await disk.remove();
  });

  it.each([30 * 1024 ** 2, 0])(
    'is refused with %i bytes free: diskFull, nothing left, made once there is room',
    async (free) => {
      await disk.fill(free);
      const { provider, options } = harness;
      const request = guestRequest();
      const error = await provider.create(request, never).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(ProviderError);
      expect(error).toMatchObject({ code: 'diskFull', terminal: false });
      expect((error as ProviderError).message).toContain(options.stateDir);
      expect(await provider.list(never)).toEqual([]);
      const machines = join(options.stateDir, 'machines-qemu');
      expect(await readdir(machines)).toEqual([]);
      expect(await processesOf(machines)).toEqual([]);

      await disk.makeRoom();
      expect(await provider.create(request, never)).toMatchObject({ status: 'running' });
    },
  );

  it('goes on when the disk fills up under it, and is destroyed all the same', async () => {
    const { provider, options } = harness;
    const machine = await provider.create(guestRequest(), never);
    await askPort(machine);
    await disk.fill(0);
    expect(await askPort(machine)).toContain('200');
    expect(await provider.describe(machine.machineId, never)).toMatchObject({ status: 'running' });
    await provider.destroy(machine.machineId, never);
    expect(await processesOf(harness.dirOf(machine.machineId))).toEqual([]);
    await eventually(async () => expect(await readdir(join(options.stateDir, 'machines-qemu'))).toEqual([]));
  }, 120_000);
});
