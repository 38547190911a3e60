/** The disk that a guest of the built-in image asks for: on the host, and as the guest sees it. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { blankDisk, diskPath, makeDisk } from '../../../providers/qemu/machine/machine-disk.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { imageWith } from '../../../test-support/machines/qemu-image-layer.ts';
import {
  BOOT_MS,
  guestRequest,
  guestSpec,
  setUpGuests,
  temporaryDirectory,
  whyNoGuests,
} from '../../../test-support/machines/qemu-harness.ts';

const run = promisify(execFile);
const never = { signal: new AbortController().signal };
const GB = 1024 ** 3;

/** Tells, beside the machine program, what disk there is once the file system on it is mounted. */
const FIRST_PROCESS = `#!/bin/busybox sh
/bin/busybox mknod /dev/null c 1 3
(
  while [ ! -e /run/agent.sock ]; do /bin/busybox sleep 1; done
  exec >/dev/console 2>&1
  echo "DISK sectors $(cat /sys/block/vda/size) mounted $(grep -c '^/dev/vda /data ext4' /proc/mounts)."
  dd if=/dev/zero of=/data/content bs=1M count=20 2>/dev/null && sync && echo "DISK written."
) &
exec /ephemera/init
`;

describe.skipIf(whyNoGuests())('a disk', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true, force: true });
  });

  it('is made once, whoever makes it first and however many do', async () => {
    const disk = await blankDisk(guestSpec({ diskGb: 3 }));
    expect(disk).toEqual({ format: 'qcow2', sizeGb: 3, base: null });
    await Promise.all(Array.from({ length: 5 }, () => makeDisk(directory, disk!)));
    expect(await readdir(directory)).toEqual(['disk.qcow2']);
    expect(await infoOf(diskPath(directory, disk!))).toMatchObject({ format: 'qcow2', 'virtual-size': 3 * GB });
  });

  it('is a sparse file where qemu-img is not installed', async () => {
    vi.stubEnv('PATH', directory);
    const disk = await blankDisk(guestSpec({ diskGb: 3 }));
    await makeDisk(directory, disk!);
    vi.unstubAllEnvs();
    expect(await infoOf(diskPath(directory, disk!), 'raw')).toMatchObject({ 'virtual-size': 3 * GB, 'actual-size': 0 });
  });

  it('lies over an image of the user, in its format, without changing it', async () => {
    const path = join(directory, 'base.qcow2');
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', path, '1G']);
    await mkdir(join(directory, 'm'));
    const disk = { format: 'qcow2', sizeGb: 2, base: { image: 'debian', path } } as const;
    await makeDisk(join(directory, 'm'), disk);
    expect(await infoOf(diskPath(join(directory, 'm'), disk))).toMatchObject({
      'virtual-size': 2 * GB,
      'backing-filename': path,
      'backing-filename-format': 'qcow2',
    });
  });
});

describe.skipIf(whyNoGuests())('a guest with a disk', () => {
  const setUp = setUpGuests();

  it('sees it in the asked size and can write to it; on the host it takes what was written', async () => {
    const guests = await setUp.start(await imageWith(setUp.built, { init: FIRST_PROCESS }, setUp.directory));
    const request = guestRequest({ spec: guestSpec({ diskGb: 3 }) });
    const machine = await guests.provider.create(request, never);
    expect(machine.size).toMatchObject({ diskGb: 3 });
    expect(await guests.provider.sizeOf!(request.spec, never)).toEqual(machine.size);
    await eventually(async () => {
      const text = new TextDecoder().decode(
        await guests.provider.readConsole(machine.machineId, { maxBytes: 64 * 1024 }, never),
      );
      expect(text).toContain(`DISK sectors ${(3 * GB) / 512} mounted 1.`);
      expect(text).toContain('DISK written.');
    }, BOOT_MS);
    const path = join(guests.dirOf(machine.machineId), 'disk.qcow2');
    await eventually(async () => {
      const { 'actual-size': taken } = await infoOf(path);
      expect(taken).toBeGreaterThan(20 * 1024 ** 2);
      expect(taken).toBeLessThan(GB / 2);
    });
  }, 100_000);
});

interface DiskInfo {
  'virtual-size': number;
  'actual-size': number;
}

async function infoOf(path: string, format = 'qcow2'): Promise<DiskInfo> {
  // The machine may have it open.
  const { stdout } = await run('qemu-img', ['info', '-U', '-f', format, '--output=json', path]);
  return JSON.parse(stdout) as DiskInfo;
}
