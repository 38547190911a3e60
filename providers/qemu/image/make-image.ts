/** Makes the kernel and first file system that virtual machines boot from, and the volumes with which others get their agent. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip, constants } from 'node:zlib';
import { qemuImageIn, type ImageFileFacts, type QemuImage, type QemuImageManifest } from './image-files.ts';
import type { HostKit } from '../../host-tools.ts';
import { agentVolume, nodeVolume } from './agent-volumes.ts';
import { CpioArchive } from './cpio-archive.ts';
import { nodeFiles, perlFiles, systemParts, type KernelModule, type SystemParts } from './system-parts.ts';
import { holdLock } from '../../../lib/processes/process-lock.ts';

const compress = promisify(gzip);
const INIT = fileURLToPath(new URL('../../../deploy/image/init', import.meta.url));
const CONTAINER_FILES = ['run-container', 'enter-container', 'enter-running-container'].map((name) => ({
  name,
  path: fileURLToPath(new URL(`../../../deploy/image/${name}`, import.meta.url)),
}));
/** Part of every image's hash: a change of this recipe makes new images. */
const RECIPE = 3;
/** Below this the kernel does not find the room to unpack the image. */
const MIN_MEMORY_MB = 384;
/** Those of the files that hold content. */
const FILES = ['kernel', 'initrd', 'agent', 'node', 'containerInitrd'] as const;
/** Images that nobody asked for in this long are removed when a new one is made. */
const KEPT_MS = 14 * 24 * 3600 * 1000;

/**
 * The image of this checkout: its vm-server, this computer's Node, Debian's kernel. Made where it is missing,
 * which takes some seconds, or a minute when the kernel has to be fetched. Rejects with `imageMissing`, which says what
 * is needed, on systems that cannot make it. `refresh`: with the distribution's newest kernel.
 */
export async function ensureImage(kit: HostKit, { refresh }: { refresh: boolean }): Promise<QemuImage> {
  const directory = kit.cacheDir;
  const images = join(directory, 'images');
  await mkdir(images, { recursive: true, mode: 0o700 });
  const unlock = await holdLock(join(directory, 'images.lock'), {
    onWait: ({ pid }) => kit.say(`  process ${pid} is making an image, waiting`),
  });
  try {
    const system = await systemParts(join(directory, 'image-parts'), refresh, kit);
    const base = await baseLayer(system);
    const vmServer = await kit.vmServerFile();
    const top = await topLayer(vmServer);
    const agent = await agentVolume(vmServer);
    const containerInitrd = await containerLayers(system, top);
    const built = [top, agent, containerInitrd].map((bytes) => hashOf([bytes]));
    const parts = [system.kernelVersion, hashOf([system.kernel]), base.hash, ...built];
    const hash = hashOf([String(RECIPE), ...parts]);
    const image = join(images, hash.slice(0, 32));
    if (!(await isWhole(image))) {
      await kit.step('Make the image for virtual machines', async (report) => {
        await makeImage(image, { system, base, top, agent, containerInitrd }, directory);
        report.note(image);
      });
      await removeOldImages(images);
    }
    await utimes(image, new Date(), new Date());
    return qemuImageIn(image);
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
    const files = systemArchive(busybox, modules);
    [node, ...libraries].forEach((path, index) => {
      const place = index === 0 ? 'ephemera/node' : path.slice(1);
      files.file(place, contents[index] ?? new Uint8Array(), 0o755);
    });
    return Promise.resolve(files.bytes());
  };
  return { hash, archive };
}

/** What changes with this checkout. Later layers are unpacked over earlier ones. */
async function topLayer(vmServerFile: string): Promise<Buffer> {
  const files = new CpioArchive();
  files.file('ephemera/init', await readFile(INIT), 0o755);
  files.link('init', 'ephemera/init');
  files.file('ephemera/vm-server.cjs', await readFile(vmServerFile), 0o644);
  return files.bytes();
}

/** What guests of container images unpack: all but Node, which they read from its volume as they need it. */
async function containerLayers({ busybox, modules, containerModules }: SystemParts, top: Buffer): Promise<Buffer> {
  const { perl, libraries } = await perlFiles();
  const files = systemArchive(busybox, [...modules, ...containerModules]);
  files.file('bin/perl', await readFile(perl), 0o755);
  for (const path of libraries) files.file(path.slice(1), await readFile(path), 0o755);
  for (const { name, path } of CONTAINER_FILES) files.file(`ephemera/${name}`, await readFile(path), 0o755);
  return Buffer.concat([await compress(files.bytes()), await compress(top)]);
}

function systemArchive(busybox: Uint8Array, modules: readonly KernelModule[]): CpioArchive {
  const files = new CpioArchive();
  files.characterDevice('dev/console', 5, 1);
  files.file('bin/busybox', busybox, 0o755);
  for (const { name, content } of modules) files.file(`ephemera/modules/${name}.ko`, content, 0o644);
  files.file('ephemera/modules.order', Buffer.from(modules.map(({ name }) => `${name}\n`).join('')), 0o644);
  return files;
}

interface ImageParts {
  system: SystemParts;
  base: Layer;
  top: Buffer;
  agent: Uint8Array;
  containerInitrd: Uint8Array;
}

async function makeImage(path: string, parts: ImageParts, directory: string): Promise<void> {
  const { system, base, top, agent, containerInitrd } = parts;
  const layers = Buffer.concat([await compressedBase(base, directory), await compress(top)]);
  const node = await keptNodeVolume(base, directory);
  const draft = `${path}.${randomUUID()}`;
  const files = qemuImageIn(draft);
  await mkdir(draft, { mode: 0o700 });
  const manifest: QemuImageManifest = {
    createdAt: new Date().toISOString(),
    kernelVersion: system.kernelVersion,
    nodeVersion: process.version,
    minMemoryMb: MIN_MEMORY_MB,
    kernel: factsOf(system.kernel),
    initrd: factsOf(layers),
    agent: factsOf(agent),
    node: factsOf(await readFile(node)),
    containerInitrd: factsOf(containerInitrd),
  };
  try {
    await writeFile(files.kernel, system.kernel);
    await writeFile(files.initrd, layers);
    await writeFile(files.agent, agent);
    await writeFile(files.containerInitrd, containerInitrd);
    // One file for all images with this Node.
    await link(node, files.node);
    await writeFile(files.manifest, `${JSON.stringify(manifest, null, 2)}\n`);
    await rm(path, { recursive: true, force: true });
    await rename(draft, path);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** The large layer takes seconds to compress, so it is kept. */
async function compressedBase(base: Layer, directory: string): Promise<Buffer> {
  const path = await kept(join(directory, `image-base-${base.hash.slice(0, 32)}.cpio.gz`), async () =>
    compress(await base.archive(), { level: constants.Z_DEFAULT_COMPRESSION }),
  );
  return readFile(path);
}

/** Where the volume with Node is; the hash of the base layer, which holds the same Node, names it. */
function keptNodeVolume(base: Layer, directory: string): Promise<string> {
  return kept(join(directory, `image-node-${base.hash.slice(0, 32)}.iso`), nodeVolume);
}

/** The path of a file that is made where it is not there, in the place of the one of its kind before. */
async function kept(path: string, make: () => Promise<Uint8Array>): Promise<string> {
  if (existsSync(path)) return path;
  const made = await make();
  const [directory, kind] = [dirname(path), basename(path).split('-').slice(0, 2).join('-')];
  for (const name of (await readdir(directory)).filter((one) => one.startsWith(`${kind}-`))) {
    await rm(join(directory, name), { force: true });
  }
  await writeFile(`${path}.draft`, made);
  await rename(`${path}.draft`, path);
  return path;
}

/** True when all files of the image are there in their full length; each was written before the last name. */
async function isWhole(directory: string): Promise<boolean> {
  const files = qemuImageIn(directory);
  try {
    const said = JSON.parse(await readFile(files.manifest, 'utf8')) as QemuImageManifest;
    const sizes = FILES.map(async (name) => (await stat(files[name])).size === said[name]?.bytes);
    return (await Promise.all(sizes)).every(Boolean);
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

function factsOf(content: Uint8Array): ImageFileFacts {
  return { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}

/** Tells any two lists of parts apart. */
function hashOf(parts: (Uint8Array | string)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex');
}
