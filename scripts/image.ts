/** `npm run image`: the kernel and first file system that virtual machines of the qemu provider boot from. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gzip, constants } from 'node:zlib';
import type { QemuImage, QemuImageManifest } from '../providers/qemu/image-files.ts';
import { buildVmServer } from './build-vm-server.ts';
import { CpioArchive } from './image-cpio.ts';
import { nodeFiles, systemParts, type SystemParts } from './image-parts.ts';
import { holdLock } from '../config/process-lock.ts';
import { cacheDirectory } from './temporal-cli.ts';
import { runScript, say, step } from './terminal.ts';

const compress = promisify(gzip);
const INIT = fileURLToPath(new URL('../deploy/image/init', import.meta.url));
/** Part of every image's hash: a change of this recipe makes new images. */
const RECIPE = 1;
/** Below this the kernel does not find the room to unpack the image. */
const MIN_MEMORY_MB = 384;
/** Images that nobody asked for in this long are removed when a new one is made. */
const KEPT_MS = 14 * 24 * 3600 * 1000;

export interface ImageOptions {
  /** Fetch the distribution's newest kernel. */
  refresh?: boolean;
  /** Where images are kept; the cache directory of the user by default. */
  directory?: string;
}

/**
 * The image of this checkout: its vm-server, this computer's Node, Debian's kernel. Made where it is missing,
 * which takes some seconds, or a minute when the kernel has to be fetched. Throws a ScriptError that says what
 * is needed on systems that cannot make it.
 */
export async function ensureImage(options: ImageOptions = {}): Promise<QemuImage> {
  const directory = options.directory ?? cacheDirectory();
  const images = join(directory, 'images');
  await mkdir(images, { recursive: true, mode: 0o700 });
  const unlock = await holdLock(join(directory, 'images.lock'), {
    onWait: ({ pid }) => say(`  process ${pid} is making an image, waiting`),
  });
  try {
    const system = await systemParts(join(directory, 'image-parts'), options.refresh ?? false);
    const base = await baseLayer(system);
    const top = await topLayer();
    const hash = hashOf([String(RECIPE), system.kernelVersion, hashOf([system.kernel]), base.hash, hashOf([top])]);
    const image = join(images, hash.slice(0, 32));
    if (!(await isWhole(image))) {
      await step('Make the image for virtual machines', async (report) => {
        await makeImage(image, system, base, top, directory);
        report.note(image);
      });
      await removeOldImages(images);
    }
    await utimes(image, new Date(), new Date());
    return qemuImage(image);
  } finally {
    await unlock();
  }
}

interface Layer {
  hash: string;
  /** Made only when it is needed: it holds all of Node. */
  archive: () => Promise<Buffer>;
}

/** What seldom changes: busybox, modules, Node and its libraries. */
async function baseLayer({ busybox, modules }: SystemParts): Promise<Layer> {
  const { node, libraries } = await nodeFiles();
  const contents = await Promise.all([node, ...libraries].map((path) => readFile(path)));
  const hash = hashOf([String(RECIPE), busybox, ...modules.map(({ content }) => content), ...libraries, ...contents]);
  const archive = (): Promise<Buffer> => {
    const files = new CpioArchive();
    files.characterDevice('dev/console', 5, 1);
    files.file('bin/busybox', busybox, 0o755);
    for (const { name, content } of modules) files.file(`ephemera/modules/${name}.ko`, content, 0o644);
    files.file('ephemera/modules.order', Buffer.from(modules.map(({ name }) => `${name}\n`).join('')), 0o644);
    [node, ...libraries].forEach((path, index) => {
      const place = index === 0 ? 'ephemera/node' : path.slice(1);
      files.file(place, contents[index] ?? new Uint8Array(), 0o755);
    });
    return Promise.resolve(files.bytes());
  };
  return { hash, archive };
}

/** What changes with this checkout. Later layers are unpacked over earlier ones. */
async function topLayer(): Promise<Buffer> {
  const files = new CpioArchive();
  files.file('ephemera/init', await readFile(INIT), 0o755);
  files.link('init', 'ephemera/init');
  files.file('ephemera/vm-server.cjs', await readFile(await buildVmServer()), 0o644);
  return files.bytes();
}

async function makeImage(
  path: string,
  system: SystemParts,
  base: Layer,
  top: Buffer,
  directory: string,
): Promise<void> {
  const layers = Buffer.concat([await compressedBase(base, directory), await compress(top)]);
  const draft = `${path}.${randomUUID()}`;
  await mkdir(draft, { mode: 0o700 });
  const manifest: QemuImageManifest = {
    createdAt: new Date().toISOString(),
    kernelVersion: system.kernelVersion,
    nodeVersion: process.version,
    minMemoryMb: MIN_MEMORY_MB,
    kernel: { bytes: system.kernel.length, sha256: sha256(system.kernel) },
    initrd: { bytes: layers.length, sha256: sha256(layers) },
  };
  try {
    await writeFile(join(draft, 'vmlinuz'), system.kernel);
    await writeFile(join(draft, 'initrd.img'), layers);
    await writeFile(join(draft, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    await rm(path, { recursive: true, force: true });
    await rename(draft, path);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** The large layer takes seconds to compress, so it is kept. */
async function compressedBase(base: Layer, directory: string): Promise<Buffer> {
  const path = join(directory, `image-base-${base.hash.slice(0, 32)}.cpio.gz`);
  const kept = await readFile(path).catch(() => undefined);
  if (kept !== undefined) return kept;
  const made = await compress(await base.archive(), { level: constants.Z_DEFAULT_COMPRESSION });
  for (const name of (await readdir(directory)).filter((one) => one.startsWith('image-base-'))) {
    await rm(join(directory, name), { force: true });
  }
  await writeFile(`${path}.draft`, made);
  await rename(`${path}.draft`, path);
  return made;
}

function qemuImage(directory: string): QemuImage {
  return {
    kernel: join(directory, 'vmlinuz'),
    initrd: join(directory, 'initrd.img'),
    manifest: join(directory, 'manifest.json'),
  };
}

/** True when all files of the image are there in their full length; each was written before the last name. */
async function isWhole(directory: string): Promise<boolean> {
  const { kernel, initrd, manifest } = qemuImage(directory);
  try {
    const said = JSON.parse(await readFile(manifest, 'utf8')) as QemuImageManifest;
    return (await stat(kernel)).size === said.kernel.bytes && (await stat(initrd)).size === said.initrd.bytes;
  } catch {
    return false;
  }
}

async function removeOldImages(images: string): Promise<void> {
  for (const name of await readdir(images)) {
    const path = join(images, name);
    const usedAt = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now(),
    );
    if (Date.now() - usedAt > KEPT_MS) await rm(path, { recursive: true, force: true });
  }
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Tells any two lists of parts apart. */
function hashOf(parts: (Uint8Array | string)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await runScript(async () => {
    const { kernel } = await ensureImage({ refresh: process.argv.includes('--refresh') });
    say(join(kernel, '..').replace(basename(kernel), ''));
  });
}
