/** Images of guests: the contract, and what is of QEMU alone in them. */
import { execFile } from 'node:child_process';
import { chown, link, mkdir, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CreateMachineRequest } from '../../../domain/machine/provider.ts';
import { addDiskImage } from '../../../providers/qemu/image/disk-images.ts';
import { registeredImagesDir, removeRegistered } from '../../../providers/qemu/image/registered-images.ts';
import type { QemuImage } from '../../../providers/qemu/image/image-files.ts';
import { ensureImage } from '../../../test-support/machines/guest-image.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { describeImages } from '../../../test-support/machines/image-contract.ts';
import {
  guestRequest,
  guestSpec,
  qemuHarness,
  temporaryDirectory,
  whyNoGuests,
  type QemuHarness,
} from '../../../test-support/machines/qemu-harness.ts';
import { readWord, wordGuestImage, writeWord } from '../../../test-support/machines/qemu-word-guest.ts';
import { smallDisk, whyNoSmallDisk } from '../../../test-support/machines/small-disk.ts';

const run = promisify(execFile);
const never = { signal: new AbortController().signal };
const MB = 1024 ** 2;

describe.skipIf(whyNoGuests())('guests as images', () => {
  let directory: string;
  let image: QemuImage;
  beforeAll(async () => {
    directory = await temporaryDirectory();
    image = await wordGuestImage(await ensureImage(), directory);
  }, 180_000);
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const withDisk = (overrides: Partial<CreateMachineRequest> = {}): CreateMachineRequest =>
    guestRequest({ spec: guestSpec({ diskGb: 1 }), ...overrides });

  describeImages('qemu', async () => {
    const harness = await qemuHarness(image);
    return {
      ...harness,
      host: 'here',
      request: withDisk,
      write: (machineId, word) => writeWord(harness.dirOf(machineId), word),
      read: (machineId) => readWord(harness.dirOf(machineId)),
    };
  });

  describe('an image of a guest', () => {
    const on = async (work: (harness: QemuHarness) => Promise<void>, stateDir?: string): Promise<void> => {
      const harness = await qemuHarness(image, stateDir === undefined ? {} : { stateDir });
      try {
        await work(harness);
      } finally {
        await harness.dispose();
      }
    };
    /** Of a guest that is ended by force and written to from outside, as it would itself: that needs no boot. */
    const stopped = async (harness: QemuHarness, request: CreateMachineRequest, commands: string[] = []) => {
      const { machineId } = await harness.provider.create(request, never);
      await harness.crash(machineId);
      await harness.provider.power!.stop(machineId, never);
      const disk = join(harness.dirOf(machineId), 'disk.qcow2');
      if (commands.length > 0) await run('qemu-io', ['-f', 'qcow2', ...commands.flatMap((one) => ['-c', one]), disk]);
      return { machineId, disk };
    };
    const from = (imageId: string, spec: Parameters<typeof guestSpec>[0] = {}): CreateMachineRequest =>
      withDisk({ spec: guestSpec({ diskGb: 1, ...spec, startFrom: { imageId, host: 'here' } }) });
    const holds = async (disk: string, pattern: number, size = '1M'): Promise<boolean> => {
      // The machine may have it open.
      const { stdout } = await run('qemu-io', ['-r', '-U', '-f', 'qcow2', '-c', `read -P ${pattern} 0 ${size}`, disk]);
      return !stdout.includes('Pattern verification failed');
    };

    /** Programs that this process has started to copy a disk. */
    const copiers = async (): Promise<{ pid: number; uid: number }[]> => {
      const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
      const read = (pid: string, file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
      const found = await Promise.all(
        pids.map(async (pid) => ({ pid, status: await read(pid, 'status'), command: await read(pid, 'cmdline') })),
      );
      return found
        .filter(({ status }) => /^PPid:\s+(\d+)$/m.exec(status)?.[1] === `${process.pid}`)
        .filter(({ command }) => command.startsWith('qemu-img\0convert\0'))
        .map(({ pid, status }) => ({ pid: Number(pid), uid: Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1]) }));
    };

    it('is its disk and nothing else of its life, takes no more than was written, and is read by nobody by name', () =>
      on(async (harness) => {
        const secret = { env: { TOKEN: 'hunter2' }, userData: undefined };
        const request = withDisk({ spec: guestSpec({ diskGb: 1, env: secret.env }), startSignature: 'signed' });
        const { machineId } = await stopped(harness, request, ['write -P 7 0 1M']);
        const made = await harness.provider.images!.create({ name: 'img-1', family: 'lobby', machineId }, never);
        expect(made.sizeBytes).toBeGreaterThan(1 * MB);
        expect(made.sizeBytes).toBeLessThan(3 * MB);
        const imagesDir = join(harness.options.stateDir, 'machines-qemu-images');
        expect(await readdir(imagesDir)).toEqual(['img-1']);
        expect((await readdir(join(imagesDir, 'img-1'))).sort()).toEqual(['disk.json', 'disk.qcow2', 'image.json']);
        for (const file of await readdir(join(imagesDir, 'img-1'))) {
          const content = await readFile(join(imagesDir, 'img-1', file), 'latin1');
          for (const old of ['hunter2', 'signed']) expect(content, file).not.toContain(old);
        }
        expect((await stat(imagesDir)).mode & 0o777).toBe(0o700);
        expect(await stat(join(imagesDir, 'img-1', 'disk.qcow2'))).toMatchObject({ uid: process.getuid!(), nlink: 1 });
      }));

    it('stays the disk of its machines when it is deleted, and room is what their disk may take', () =>
      on(async (harness) => {
        const { provider, dirOf } = harness;
        const { machineId } = await stopped(harness, withDisk(), ['write -P 7 0 1M']);
        await provider.images!.create({ name: 'img-1', family: null, machineId }, never);
        const { spec, ...request } = from('img-1', { diskGb: null });
        expect(await provider.sizeOf!(spec, never)).toMatchObject({ diskGb: 1 });
        const again = await provider.create({ spec, ...request }, never);
        expect(again.size).toMatchObject({ diskGb: 1 });
        const larger = await provider.create(from('img-1', { diskGb: 2 }), never);
        expect(larger.size).toMatchObject({ diskGb: 2 });
        await provider.images!.delete('img-1', never);
        // A repeated create finds its machine, whatever became of the image.
        expect(await harness.restarted().create({ spec, ...request }, never)).toEqual(again);
        for (const id of [again.machineId, larger.machineId]) {
          expect(await holds(join(dirOf(id), 'disk.qcow2'), 7)).toBe(true);
        }
        await harness.crash(again.machineId);
        await provider.power!.stop(again.machineId, never);
        await provider.images!.create({ name: 'img-2', family: null, machineId: again.machineId }, never);
        await provider.destroy(again.machineId, never);
        const third = await provider.create(from('img-2'), never);
        expect(await holds(join(dirOf(third.machineId), 'disk.qcow2'), 7)).toBe(true);
        await harness.crash(larger.machineId);
        await provider.power!.stop(larger.machineId, never);
        await provider.power!.reset!(larger.machineId, never);
        await provider.power!.start({ machineId: larger.machineId, agentBootstrap: null }, never);
        expect(await holds(join(dirOf(larger.machineId), 'disk.qcow2'), 0, '1G')).toBe(true);
      }));

    it('of a registered image needs that image no more, and starts machines of no other', () =>
      on(async (harness) => {
        const { provider, options, dirOf } = harness;
        const images = registeredImagesDir(options.stateDir);
        const source = join(options.stateDir, 'source.qcow2');
        await run('qemu-img', ['create', '-q', '-f', 'qcow2', source, '2G']);
        await run('qemu-io', ['-f', 'qcow2', '-c', 'write -P 9 0 2M', source]);
        await addDiskImage(images, 'debian', source);
        const own = guestSpec({ image: 'debian', userData: '#!/bin/sh\necho hunter2\n' });
        const { machineId } = await stopped(harness, guestRequest({ spec: own }), ['write -P 7 0 1M']);
        await provider.images!.create({ name: 'img-1', family: null, machineId }, never);
        await provider.destroy(machineId, never);
        await removeRegistered(images, 'debian', join(options.stateDir, 'machines-qemu'));
        const again = await provider.create(from('img-1', { image: 'debian', diskGb: null }), never);
        expect(again.size).toMatchObject({ diskGb: 2 });
        const disk = join(dirOf(again.machineId), 'disk.qcow2');
        expect(await holds(disk, 7)).toBe(true);
        const { stdout } = await run('qemu-io', ['-r', '-U', '-f', 'qcow2', '-c', 'read -P 9 1M 1M', disk]);
        expect(stdout).not.toContain('failed');
        // Its cloud-init learns that it is another instance.
        const seed = await readFile(join(dirOf(again.machineId), 'seed.iso'), 'latin1');
        expect(seed).toContain(again.machineId);
        for (const old of [machineId, 'hunter2']) expect(seed).not.toContain(old);
        const refused = [{ image: 'vm-server' }, { image: 'other' }, { image: 'debian', diskGb: 1 }];
        for (const spec of refused) {
          await expect(provider.create(from('img-1', spec), never)).rejects.toMatchObject({ code: 'badSpec' });
        }
        expect(await provider.list(never)).toHaveLength(1);
        // Nobody in it hears the power button, which would be waited for.
        await harness.crash(again.machineId);
      }));

    it('of a guest without a disk is one without a disk', () =>
      on(async (harness) => {
        const { provider } = harness;
        const { machineId } = await stopped(harness, guestRequest());
        const made = await provider.images!.create({ name: 'img-1', family: null, machineId }, never);
        expect(made).toMatchObject({ status: 'ready', sizeBytes: 0 });
        expect((await provider.create(from('img-1', { diskGb: null }), never)).size).toMatchObject({ diskGb: 0 });
      }));

    it('is made of a raw disk too, once qemu-img is there, and says before that it is not', () =>
      on(async (harness) => {
        const { provider, options, dirOf } = harness;
        const programs = join(options.stateDir, 'programs');
        await mkdir(programs);
        for (const program of ['qemu-system-x86_64', 'ln', 'rm']) {
          const { stdout } = await run('which', [program]);
          await symlink(stdout.trim(), join(programs, program));
        }
        vi.stubEnv('PATH', programs);
        const { machineId } = await provider.create(withDisk(), never);
        await harness.crash(machineId);
        await provider.power!.stop(machineId, never);
        const make = () => provider.images!.create({ name: 'img-1', family: null, machineId }, never);
        await expect(make()).rejects.toMatchObject({ code: 'hypervisorMissing' });
        expect(await readdir(join(options.stateDir, 'machines-qemu-images'))).toEqual([]);
        vi.unstubAllEnvs();
        await run('qemu-io', ['-f', 'raw', '-c', 'write -P 7 0 1M', join(dirOf(machineId), 'disk.raw')]);
        expect(await make()).toMatchObject({ status: 'ready' });
        const again = await provider.create(from('img-1'), never);
        expect(await holds(join(dirOf(again.machineId), 'disk.qcow2'), 7)).toBe(true);
      }).finally(() => vi.unstubAllEnvs()));

    it('is not made of a disk whose header names a file of the host, nor is that machine started with it', () =>
      on(async (harness) => {
        const { provider, options } = harness;
        const secret = join(options.stateDir, 'secret');
        await writeFile(secret, 'x'.repeat(65_536));
        const { machineId, disk } = await stopped(harness, withDisk());
        const crafted = join(options.stateDir, 'crafted.qcow2');
        await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', secret, '-F', 'raw', crafted, '1G']);
        const { uid, gid } = await stat(disk);
        await chown(crafted, uid, gid);
        await rm(disk);
        await link(crafted, disk);
        const make = () => provider.images!.create({ name: 'img-1', family: null, machineId }, never);
        await expect(make()).rejects.toMatchObject({ code: 'imageDamaged', terminal: true });
        expect(await provider.images!.list(never)).toEqual([]);
        const start = () => provider.power!.start({ machineId, agentBootstrap: null }, never);
        await expect(start()).rejects.toMatchObject({ code: 'imageDamaged' });
        expect(await harness.countRunning(machineId)).toBe(0);
        // One over the wrong size is as little what was made.
        await rm(disk);
        await run('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '2G']);
        await expect(make()).rejects.toMatchObject({ code: 'imageDamaged' });
      }));

    it('is given up in the middle of its copy without a half of it, nor a program that copies on', () =>
      on(async (harness) => {
        const { provider, options } = harness;
        const { machineId, disk } = await stopped(harness, withDisk(), ['write -P 7 0 400M']);
        const given = new AbortController();
        const imagesDir = join(options.stateDir, 'machines-qemu-images');
        const making = provider.images!.create({ name: 'img-1', family: null, machineId }, { signal: given.signal });
        let found: Awaited<ReturnType<typeof copiers>> = [];
        await eventually(async () => {
          found = await copiers();
          expect(found).toHaveLength(1);
        });
        const [copier] = found;
        process.kill(copier!.pid, 'SIGSTOP');
        const [draft = ''] = await readdir(imagesDir);
        expect(await readdir(join(imagesDir, draft))).toEqual(['disk.qcow2']);
        // It has no right of root, where that started it.
        const { uid } = await stat(disk);
        expect(copier!.uid).toBe(uid);
        if (process.getuid?.() === 0) expect(uid).toBeGreaterThan(0);
        // One whose worker was killed copies on for a while: the machine can be started all the same.
        await run('qemu-io', ['-f', 'qcow2', '-c', 'write -P 7 0 1M', disk]);
        given.abort(new Error('given up'));
        await expect(making).rejects.toThrow('given up');
        expect(await readdir(imagesDir)).toEqual([]);
        expect(await copiers()).toEqual([]);
        expect(await provider.images!.create({ name: 'img-1', family: null, machineId }, never)).toMatchObject({
          status: 'ready',
        });
      }));

    it.skipIf(whyNoSmallDisk())(
      'on a full disk is refused with diskFull, leaves nothing, and the last one stays',
      async () => {
        const disk = await smallDisk(300);
        try {
          await on(
            async (harness) => {
              const { provider, options, dirOf } = harness;
              const { machineId, disk: path } = await stopped(harness, withDisk(), ['write -P 7 0 40M']);
              await provider.images!.create({ name: 'img-1', family: null, machineId }, never);
              await run('qemu-io', ['-f', 'qcow2', '-c', 'write -P 8 0 40M', path]);
              await disk.fill(90 * MB);
              const make = () => provider.images!.create({ name: 'img-2', family: null, machineId }, never);
              await expect(make()).rejects.toMatchObject({ code: 'diskFull' });
              expect(await readdir(join(options.stateDir, 'machines-qemu-images'))).toEqual(['img-1']);
              await disk.makeRoom();
              const last = await provider.create(from('img-1'), never);
              expect(await holds(join(dirOf(last.machineId), 'disk.qcow2'), 7)).toBe(true);
              expect(await make()).toMatchObject({ status: 'ready' });
            },
            join(disk.path, 'state'),
          );
        } finally {
          await disk.makeRoom();
          await disk.remove();
        }
      },
    );
  });
});
