/** Container images as files, and the one read-only file system that is made of each. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { convertContainerImage } from '../../../providers/qemu/image/container/convert-image.ts';
import {
  directory,
  layerOf,
  writeDockerArchive,
  writeOciArchive,
  writeOciLayout,
  type ImageParts,
} from '../../../test-support/machines/container-archive.ts';

const hasSquashfs = spawnSync('mksquashfs', ['-version']).error === undefined;
if (!hasSquashfs && !process.env['CI'])
  console.warn('\n! container images are not tested here: install squashfs-tools\n');

const LIMITS = { unpackedBytes: 1024 * 1024, entries: 100 };
const PARTS: ImageParts = {
  layers: [
    layerOf([
      directory('./', { mode: 0o711, uid: 5 }),
      directory('etc'),
      { name: 'etc/passwd', content: 'web:x:101:102::/srv:/bin/sh\n' },
      { name: 'bin/su', content: 'su', mode: 0o4755 },
      { name: 'bin/app', content: 'app', mode: 0o750, uid: 3_000_000, gid: 70 },
      { name: 'bin/link', type: 'link', target: 'bin/app' },
      { name: 'dev/null', type: 'character', mode: 0o666, device: { major: 1, minor: 3 } },
      { name: 'gone', content: 'gone' },
    ]),
    layerOf([{ name: '.wh.gone' }, { name: 'latest', type: 'symlink', target: '/bin/app' }]),
  ],
  config: { User: 'web', Cmd: ['/bin/app'], ExposedPorts: { '8080/tcp': {} } },
};

describe.skipIf(!hasSquashfs && !process.env['CI'])('a container image', () => {
  let dir: string;
  let outDir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'eph-'));
    outDir = join(dir, 'out');
    await mkdir(outDir);
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const refusal = async (source: string, code: string, says: string): Promise<void> => {
    const converting = convertContainerImage({ source, outDir, limits: LIMITS });
    await expect(converting).rejects.toMatchObject({ code, message: expect.stringContaining(says) as string });
    expect(await readdir(outDir)).toEqual([]);
  };

  it.each<[string, (path: string) => Promise<void>]>([
    ['an OCI layout directory', (path) => writeOciLayout(path, PARTS)],
    ['an OCI layout of plain layers', (path) => writeOciLayout(path, { ...PARTS, gzip: false })],
    ['an OCI archive', (path) => writeOciArchive(path, PARTS)],
    ['an archive of docker save', (path) => writeDockerArchive(path, PARTS)],
    [
      'an archive of docker save in gzip',
      async (path) => {
        await writeDockerArchive(path, PARTS);
        await writeFile(path, gzipSync(await readFile(path)));
      },
    ],
  ])('becomes one file with the owners, modes and links of its archive: %s', async (_what, write) => {
    const source = join(dir, 'image');
    await write(source);
    const image = await convertContainerImage({ source, outDir, limits: LIMITS });
    expect(await readdir(outDir)).toEqual(['root.squashfs']);
    expect(image).toMatchObject({
      program: { command: ['/bin/app'], uid: 101, gid: 102, root: { mode: 0o711, uid: 5, gid: 0 } },
      ports: [{ name: 'port-8080', port: 8080, protocol: 'tcp' }],
    });
    const listed = execFileSync('unsquashfs', ['-lln', '-d', '', join(outDir, 'root.squashfs')], { encoding: 'utf8' });
    const lines = listed
      .split('\n')
      .map((line) => line.replaceAll(/ +/g, ' ').replace(/ \d{4}-\d\d-\d\d \d\d:\d\d/, ''));
    for (const line of [
      '-rwsr-xr-x 0/0 2 /bin/su',
      '-rwxr-x--- 3000000/70 3 /bin/app',
      '-rwxr-x--- 3000000/70 3 /bin/link',
      'crw-rw-rw- 0/0 1, 3 /dev/null',
      'lrwxrwxrwx 0/0 8 /latest -> /bin/app',
    ]) {
      expect(lines).toContain(line);
    }
    expect(listed).not.toContain('gone');
  });

  it('is named as its archive names it', async () => {
    await writeDockerArchive(join(dir, 'docker.tar'), { ...PARTS, tag: 'team/app:1.2' });
    await writeOciLayout(join(dir, 'layout'), {
      ...PARTS,
      annotations: { 'io.containerd.image.name': 'docker.io/a/b:1' },
    });
    const named = async (file: string): Promise<string | null> =>
      (await convertContainerImage({ source: join(dir, file), outDir, limits: LIMITS })).reference;
    expect(await named('docker.tar')).toBe('team/app:1.2');
    expect(await named('layout')).toBe('docker.io/a/b:1');
  });

  it('is refused where a layer is not what the image names, packed or unpacked', async () => {
    const [layer = Buffer.alloc(0)] = PARTS.layers;
    const packed = gzipSync(layer);
    const other = gzipSync(layerOf([{ name: 'other' }]));
    await writeOciLayout(join(dir, 'other'), {
      ...PARTS,
      tamper: (_name, bytes) => (bytes.equals(packed) ? other : bytes),
    });
    await refusal(join(dir, 'other'), 'imageDamaged', 'is not what the image names');
    const cut = (_name: string, bytes: Buffer): Buffer => (bytes.equals(packed) ? bytes.subarray(0, 100) : bytes);
    await writeOciLayout(join(dir, 'cut'), { ...PARTS, tamper: cut });
    await refusal(join(dir, 'cut'), 'imageDamaged', 'layer 1');
    // Of docker's archives only the unpacked content has a digest.
    await writeDockerArchive(join(dir, 'docker.tar'), PARTS);
    const archive = await readFile(join(dir, 'docker.tar'));
    archive.write('WEB', archive.indexOf('web:x:101'), 'latin1');
    await writeFile(join(dir, 'docker.tar'), archive);
    await refusal(join(dir, 'docker.tar'), 'imageDamaged', 'is not what the image names');
    await writeFile(join(dir, 'docker.tar'), archive.subarray(0, archive.length / 2));
    await refusal(join(dir, 'docker.tar'), 'imageDamaged', 'cut off');
  });

  it('is refused where it unpacks to more than the limit, in bytes or in files', async () => {
    const zeros = layerOf([{ name: 'zeros', content: Buffer.alloc(2 * LIMITS.unpackedBytes) }]);
    await writeOciLayout(join(dir, 'bomb'), { ...PARTS, layers: [zeros] });
    await refusal(join(dir, 'bomb'), 'imageRefused', 'unpacks to more than');
    await writeOciArchive(join(dir, 'bomb.tar'), { ...PARTS, layers: [zeros] });
    await writeFile(join(dir, 'bomb.tar.gz'), gzipSync(Buffer.alloc(2 * LIMITS.unpackedBytes)));
    await refusal(join(dir, 'bomb.tar.gz'), 'imageRefused', 'unpacks to more than');
    const many = layerOf(Array.from({ length: LIMITS.entries + 1 }, (_, number) => ({ name: `${number}` })));
    await writeOciLayout(join(dir, 'many'), { ...PARTS, layers: [many] });
    await refusal(join(dir, 'many'), 'imageRefused', 'more than 100 files');
  });

  it('is refused where it cannot run here', async () => {
    const write = async (name: string, parts: Partial<ImageParts>): Promise<string> => {
      await writeOciLayout(join(dir, name), { ...PARTS, ...parts });
      return join(dir, name);
    };
    await refusal(await write('arm', { architecture: 'arm64' }), 'imageRefused', 'linux/arm64');
    await refusal(await write('idle', { config: {} }), 'imageRefused', 'neither an entrypoint nor a command');
    await refusal(await write('nobody', { config: { Cmd: ['/a'], User: 'x' } }), 'imageRefused', '/etc/passwd');
    const zstd = Buffer.from('28b52ffd24', 'hex');
    await writeOciLayout(join(dir, 'zstd'), { ...PARTS, layers: [zstd], gzip: false });
    await refusal(join(dir, 'zstd'), 'imageRefused', 'zstd');
  });

  it('is refused where it is none', async () => {
    await refusal(join(dir, 'nothing'), 'imageRefused', 'is not there');
    await refusal(outDir, 'imageRefused', 'no OCI layout');
    await writeFile(join(dir, 'text'), 'a text\n'.repeat(500));
    await refusal(join(dir, 'text'), 'imageDamaged', 'is no tar archive');
    await writeFile(join(dir, 'files.tar'), layerOf([{ name: 'a', content: 'b' }]));
    await refusal(join(dir, 'files.tar'), 'imageRefused', 'is no container image');
  });

  it('writes nothing outside of its own file, whatever its links say', async () => {
    const layers = [
      layerOf([{ name: 'out', type: 'symlink', target: dir }]),
      layerOf([{ name: 'out/escaped', content: 'escaped' }]),
    ];
    await writeOciLayout(join(dir, 'image'), { ...PARTS, layers, config: { Cmd: ['/a'] } });
    await convertContainerImage({ source: join(dir, 'image'), outDir, limits: LIMITS });
    expect((await readdir(dir)).sort()).toEqual(['image', 'out']);
    expect(await readdir(outDir)).toEqual(['root.squashfs']);
  });
});
