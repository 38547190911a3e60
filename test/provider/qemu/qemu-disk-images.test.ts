/** Images of one's own: what may be registered, and what a host finds under a name. */
import { execFile } from 'node:child_process';
import {
  mkdir,
  mkdtemp,
  open,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProviderErrorCode } from '../../../domain/machine/error-codes.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { addDiskImage } from '../../../providers/qemu/image/disk-images.ts';
import { findRegistered, listRegistered, removeRegistered } from '../../../providers/qemu/image/registered-images.ts';
import { whyNoGuests } from '../../../test-support/machines/qemu-harness.ts';

const run = promisify(execFile);

describe.skipIf(whyNoGuests())('an image of the user', () => {
  let directory: string;
  let images: string;
  let source: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'eph-images-'));
    images = join(directory, 'images');
    source = join(directory, 'source.qcow2');
    await create([source, '3G']);
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const create = (args: string[]): Promise<unknown> => run('qemu-img', ['create', '-q', '-f', 'qcow2', ...args]);
  const refusal = async (work: Promise<unknown>, code: ProviderErrorCode): Promise<string> => {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ code, terminal: true });
    return (error as ProviderError).message;
  };
  const nothingIsRegistered = async (): Promise<void> => {
    expect(await readdir(images).catch(() => [])).toEqual([]);
  };

  it('is copied under its name, is found by it, and stays when its source changes', async () => {
    const added = await addDiskImage(images, 'debian-12', source);
    expect(added).toMatchObject({ name: 'debian-12', sizeGb: 3 });
    await writeFile(source, 'something else');
    expect(await findRegistered(images, 'debian-12')).toEqual(added);
    expect(await listRegistered(images)).toEqual([added]);
    expect((await stat(added.path)).mode & 0o777).toBe(0o400);
  });

  it.each(['../debian', 'a/b', '/etc', '.', '..', '', 'Debian', 'de bian', '-a', 'a'.repeat(64)])(
    'cannot be named %j',
    async (name) => {
      await refusal(addDiskImage(images, name, source), 'imageRefused');
      await refusal(findRegistered(images, name), 'imageUnknown');
      await refusal(removeRegistered(images, name, directory), 'imageUnknown');
      await nothingIsRegistered();
    },
  );

  it('cannot have the name of the built-in one', async () => {
    expect(await refusal(addDiskImage(images, 'vm-server', source), 'imageRefused')).toContain('another name');
  });

  it('has a new version when its name is registered again, and the one before stays as it is', async () => {
    const first = await addDiskImage(images, 'debian', source);
    await create([join(directory, 'second'), '5G']);
    const second = await addDiskImage(images, 'debian', join(directory, 'second'));
    expect(second.version).not.toBe(first.version);
    expect(await listRegistered(images)).toEqual([second, first]);
    expect(await findRegistered(images, 'debian')).toEqual(second);
    expect(await findRegistered(images, `debian@${first.version}`)).toEqual(first);
    expect(await findRegistered(images, `debian@sha256:${first.sha256}`)).toEqual(first);
    const again = await addDiskImage(images, 'debian', source);
    expect(again).toMatchObject({ version: first.version, path: first.path });
    expect(await findRegistered(images, 'debian')).toEqual(again);
    expect(await readdir(images)).toHaveLength(2);
  });

  it('of before there were versions is found, counted and removed as any other', async () => {
    const { directory: versioned, ...added } = await addDiskImage(images, 'debian', source);
    await rename(versioned, join(images, 'debian'));
    const { version, sha256 } = added;
    expect(await findRegistered(images, 'debian')).toMatchObject({
      version,
      sha256,
      path: join(images, 'debian', 'disk.qcow2'),
    });
    expect(await addDiskImage(images, 'debian', source)).toMatchObject({ directory: join(images, 'debian') });
    await removeRegistered(images, 'debian', directory);
    await nothingIsRegistered();
  });

  it('with a backing file is refused, for a guest would read that file of the host', async () => {
    const secret = join(directory, 'secret');
    await writeFile(secret, 'x'.repeat(65_536));
    const overlay = join(directory, 'overlay.qcow2');
    await create(['-b', secret, '-F', 'raw', overlay, '1G']);
    expect(await refusal(addDiskImage(images, 'debian', overlay), 'imageRefused')).toContain('backing file');
    await nothingIsRegistered();
  });

  it('with its data in another file is refused, and that file is never opened', async () => {
    const overlay = join(directory, 'outside.qcow2');
    const data = join(directory, 'data.raw');
    await create(['-o', `data_file=${data},data_file_raw=on`, overlay, '1M']);
    // Opening it now fails by that.
    await rm(data);
    expect(await refusal(addDiskImage(images, 'debian', overlay), 'imageRefused')).toContain('another file');
    await nothingIsRegistered();
  });

  it('that is encrypted is refused', async () => {
    await mark(source, 35, 2);
    expect(await refusal(addDiskImage(images, 'debian', source), 'imageRefused')).toContain('encrypted');
  });

  it.each(['', 'not a disk', '\0'.repeat(100_000)])('that is no qcow2 file is refused', async (content) => {
    await writeFile(source, content);
    expect(await refusal(addDiskImage(images, 'debian', source), 'imageRefused')).toContain('qemu-img convert');
  });

  it('behind a symbolic link, in a directory or nowhere is refused', async () => {
    const link = join(directory, 'link');
    await symlink(source, link);
    expect(await refusal(addDiskImage(images, 'debian', link), 'imageRefused')).toContain('symbolic link');
    expect(await refusal(addDiskImage(images, 'debian', directory), 'imageRefused')).toContain('no file');
    await refusal(addDiskImage(images, 'debian', join(directory, 'nowhere')), 'imageRefused');
    const pipe = join(directory, 'pipe');
    await run('mkfifo', [pipe]);
    await refusal(addDiskImage(images, 'debian', pipe), 'imageRefused');
    await nothingIsRegistered();
  });

  it('that is cut off or marked as corrupt is damaged', async () => {
    await run('qemu-io', ['-f', 'qcow2', '-c', 'write -P 7 0 8M', source]);
    const { size } = await stat(source);
    await truncate(source, size - 3 * 1024 * 1024);
    expect(await refusal(addDiskImage(images, 'debian', source), 'imageDamaged')).toContain('anew');
    await create([source, '1M']);
    await mark(source, 79, 0b10);
    await refusal(addDiskImage(images, 'debian', source), 'imageDamaged');
    await nothingIsRegistered();
  });

  it('that changed on the host since it was registered is damaged', async () => {
    const { path } = await addDiskImage(images, 'debian', source);
    await mark(path, 4096, 1);
    expect(await refusal(findRegistered(images, 'debian'), 'imageDamaged')).toContain('npm run image -- add debian');
    await rm(path);
    await refusal(findRegistered(images, 'debian'), 'imageDamaged');
  });

  it('is not found behind a symbolic link that somebody put among the images', async () => {
    const { path, directory: here } = await addDiskImage(images, 'debian', source);
    await rename(here, join(directory, 'elsewhere'));
    await symlink(join(directory, 'elsewhere'), here);
    await refusal(findRegistered(images, 'debian'), 'imageUnknown');
    await rm(here);
    await rename(join(directory, 'elsewhere'), here);
    await rename(path, join(directory, 'disk'));
    await symlink(join(directory, 'disk'), path);
    await refusal(findRegistered(images, 'debian'), 'imageDamaged');
  });

  it('that nobody registered is unknown, and the message names those that are there', async () => {
    await addDiskImage(images, 'debian', source);
    const message = await refusal(findRegistered(images, 'win95'), 'imageUnknown');
    expect(message).toContain('vm-server, debian');
    expect(message).toContain('npm run image -- add');
  });

  it('stays while the disk of a machine is laid over it', async () => {
    const { path } = await addDiskImage(images, 'debian', source);
    const machines = join(directory, 'machines');
    await mkdir(join(machines, 'm-1'), { recursive: true });
    const labels = { deployment: 'd', machineId: 'm-1', project: 'p', vm: 'lobby' };
    const disk = { format: 'qcow2', sizeGb: 3, base: { image: 'debian', path } };
    const accelerator = { kind: 'tcg', machine: 'q35' };
    const manifest = { labels, createdAt: 1, host: 'h', ports: [], cpus: 1, memoryMb: 512, disk, accelerator };
    await writeFile(join(machines, 'm-1', 'machine.json'), JSON.stringify(manifest));
    expect(await refusal(removeRegistered(images, 'debian', machines), 'imageRefused')).toContain('VM lobby');
    expect(await readFile(path)).toBeDefined();
    await rm(machines, { recursive: true });
    await removeRegistered(images, 'debian', machines);
    expect(await refusal(removeRegistered(images, 'debian', machines), 'imageUnknown')).toContain('it has: vm-server');
    await nothingIsRegistered();
  });
});

async function mark(path: string, offset: number, bits: number): Promise<void> {
  await run('chmod', ['u+w', path]);
  const file = await open(path, 'r+');
  try {
    const byte = new Uint8Array(1);
    await file.read(byte, 0, 1, offset);
    byte[0]! ^= bits;
    await file.write(byte, 0, 1, offset);
  } finally {
    await file.close();
  }
}
