import { mkdir, readFile, readdir, rm, statfs, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { copyTree } from '../../../providers/host/files/copied-tree.ts';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import { describeImages } from '../../../test-support/machines/image-contract.ts';
import { localHarness, machineRequest, type LocalHarness } from '../../../test-support/machines/local-harness.ts';
import { smallDisk, whyNoSmallDisk, type SmallDisk } from '../../../test-support/machines/small-disk.ts';

const never = { signal: new AbortController().signal };

let vmServerFile = '';
beforeAll(async () => {
  vmServerFile = await buildVmServer();
});

describeImages('local', async () => {
  const harness = await localHarness(vmServerFile);
  const wordOf = (machineId: string): string => join(harness.dirOf(machineId), 'data', 'word');
  return {
    ...harness,
    host: 'here',
    request: machineRequest,
    write: (machineId, text) => writeFile(wordOf(machineId), text),
    read: (machineId) => readFile(wordOf(machineId), 'utf8').catch(() => undefined),
  };
});

describe('an image of a local machine', () => {
  let harness: LocalHarness;
  afterEach(() => harness.dispose());

  const entriesOf = async (dir: string): Promise<string[]> => (await readdir(dir, { recursive: true })).sort();

  it('carries the data of the machine with its links, and nothing else of its life', async () => {
    harness = await localHarness(vmServerFile);
    const { provider, dirOf, options } = harness;
    const { machineId } = await provider.create(machineRequest({ startSignature: 'signed' }), never);
    const data = join(dirOf(machineId), 'data');
    await mkdir(join(data, 'rooms'));
    await writeFile(join(data, 'rooms', 'lobby'), 'hello', { mode: 0o640 });
    await symlink('rooms/lobby', join(data, 'latest'));
    await provider.power!.stop(machineId, never);
    const { sizeBytes } = await provider.images!.create({ name: 'img-1', family: 'lobby', machineId }, never);
    expect(sizeBytes).toBe(5);
    const kept = await entriesOf(join(options.stateDir, 'machine-images'));
    expect(kept.map((path) => path.replace('img-1', 'IMAGE'))).toEqual([
      ...['IMAGE', 'IMAGE/data', 'IMAGE/data/latest', 'IMAGE/data/rooms', 'IMAGE/data/rooms/lobby'],
      'IMAGE/image.json',
    ]);
    const manifest = await readFile(join(options.stateDir, 'machine-images', 'img-1', 'image.json'), 'utf8');
    expect(manifest).not.toContain('signed');
  });

  it('is listed and deleted though another one is damaged', async () => {
    harness = await localHarness(vmServerFile);
    const { provider, options } = harness;
    const { machineId } = await provider.create(machineRequest(), never);
    await provider.power!.stop(machineId, never);
    for (const name of ['img-1', 'img-2']) await provider.images!.create({ name, family: null, machineId }, never);
    const imagesDir = join(options.stateDir, 'machine-images');
    await writeFile(join(imagesDir, 'img-1', 'image.json'), '{"name": "img');
    const listed = await provider.images!.list(never);
    expect(listed.map(({ name, status, owner }) => [name, status, owner]).sort()).toEqual([
      ['img-1', 'failed', undefined],
      ['img-2', 'ready', expect.any(String)],
    ]);
    await provider.images!.delete('img-2', never);
    expect(await readdir(imagesDir)).toEqual(['img-1']);
    await expect(provider.images!.delete('img-1', never)).rejects.toMatchObject({ code: 'hostFailure' });
  });

  it('carries files and links whose names are not UTF-8', async () => {
    harness = await localHarness(vmServerFile);
    const { provider, dirOf, options } = harness;
    const { machineId } = await provider.create(machineRequest(), never);
    const name = Buffer.from([0x61, 0xff]);
    const inside = (dir: string): Buffer => Buffer.concat([Buffer.from(`${dir}/`), name]);
    const data = join(dirOf(machineId), 'data');
    await writeFile(inside(data), 'hello');
    await symlink(name, join(data, 'latest'));
    await provider.power!.stop(machineId, never);
    await provider.images!.create({ name: 'img-1', family: null, machineId }, never);
    const kept = join(options.stateDir, 'machine-images', 'img-1', 'data');
    expect(await readFile(inside(kept), 'utf8')).toBe('hello');
    expect(await readFile(join(kept, 'latest'), 'utf8')).toBe('hello');
  });

  it('is refused where a program put a link to somewhere else in the place of its data', async () => {
    harness = await localHarness(vmServerFile);
    const { provider, dirOf, options } = harness;
    const { machineId } = await provider.create(machineRequest(), never);
    const elsewhere = join(options.stateDir, 'elsewhere');
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, 'keys'), 'not of the machine');
    const data = join(dirOf(machineId), 'data');
    await rm(data, { recursive: true });
    await symlink(elsewhere, data);
    await provider.power!.stop(machineId, never);
    await expect(provider.images!.create({ name: 'img-1', family: null, machineId }, never)).rejects.toMatchObject({
      code: 'permissionDenied',
    });
    expect(await readdir(join(options.stateDir, 'machine-images'))).toEqual([]);
  });
});

describe.skipIf(whyNoSmallDisk())('an image on a full disk', () => {
  let disk: SmallDisk;
  let harness: LocalHarness;
  afterEach(async () => {
    await disk.makeRoom();
    await harness.dispose();
    await disk.remove();
  });

  it('is refused with diskFull and leaves nothing; once there is room it is made', async () => {
    disk = await smallDisk(60);
    harness = await localHarness(vmServerFile, { stateDir: join(disk.path, 'state') });
    const { provider, dirOf, options } = harness;
    const { machineId } = await provider.create(machineRequest(), never);
    await writeFile(join(dirOf(machineId), 'data', 'big'), new Uint8Array(12 * 1024 ** 2));
    await provider.power!.stop(machineId, never);
    await disk.fill(6 * 1024 ** 2);
    const make = () => provider.images!.create({ name: 'img-1', family: null, machineId }, never);
    await expect(make()).rejects.toMatchObject({ code: 'diskFull' });
    expect(await readdir(join(options.stateDir, 'machine-images'))).toEqual([]);
    // A file of holes takes nothing where it is, and its whole size as a copy.
    const holes = join(options.stateDir, 'holes');
    await mkdir(holes);
    for (const name of ['a', 'b']) await writeFile(join(holes, name), name);
    await truncate(join(holes, 'b'), 2 ** 32);
    const copy = join(options.stateDir, 'copy');
    await expect(copyTree(holes, copy, never.signal)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await readdir(options.stateDir)).not.toContain('copy');
    await disk.makeRoom();
    expect(await make()).toMatchObject({ status: 'ready', sizeBytes: 12 * 1024 ** 2 });
  });

  it('leaves free what machines need while several are made at once, and each that fits is made', async () => {
    disk = await smallDisk(90);
    harness = await localHarness(vmServerFile, { stateDir: join(disk.path, 'state') });
    const { provider, dirOf, options } = harness;
    const machines: string[] = [];
    for (let number = 0; number < 2; number += 1) {
      const { machineId } = await provider.create(machineRequest(), never);
      machines.push(machineId);
      for (let file = 0; file < 48; file += 1) {
        await writeFile(join(dirOf(machineId), 'data', `${file}`), new Uint8Array(256 * 1024));
      }
      await provider.power!.stop(machineId, never);
    }
    await disk.fill(20 * 1024 ** 2);
    let [least, isMade] = [Infinity, false];
    const watching = (async () => {
      while (!isMade) {
        const { bavail, bsize } = await statfs(disk.path);
        least = Math.min(least, bavail * bsize);
      }
    })();
    const both = await Promise.allSettled(
      machines.map((machineId) =>
        provider.images!.create({ name: `img-${machineId}`, family: null, machineId }, never),
      ),
    );
    isMade = true;
    await watching;
    expect(least).toBeGreaterThan(4 * 1024 ** 2);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find((one) => one.status === 'rejected')).toMatchObject({ reason: { code: 'diskFull' } });
    expect(await readdir(join(options.stateDir, 'machine-images'))).toHaveLength(1);
  });
});
