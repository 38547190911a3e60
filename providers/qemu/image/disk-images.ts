/**
 * The disk images that machines of this host can boot, each registered under a name: `<state dir>/images/<name>/`
 * holds `disk.qcow2`, which nobody writes any more, and `manifest.json`. Machines get overlays over it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { readChecked } from '../../host/files/checked-file.ts';
import { DamagedFile, unlessAbsent } from '../../host/host-failure.ts';
import { entriesOf, isErrno, jsonText, makePrivateDir } from '../../host/files/machine-files.ts';
import { BUILT_IN_IMAGE } from '../capabilities.ts';
import { checkFile, fileFactsSchema, type ImageFileFacts } from './image-files.ts';
import { readManifest as readMachineManifest } from '../machine/machine-manifest.ts';
import { gigabytesFor, readQcow2Header } from './qcow2-header.ts';
import { qemuImg } from './qemu-img.ts';

/** No dot and no slash: a name becomes the name of a directory. */
const IMAGE_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const FILE = { disk: 'disk.qcow2', manifest: 'manifest.json' } as const;

/** A registered image. */
export interface DiskImage {
  name: string;
  path: string;
  /** The least disk that a machine of it can have. */
  sizeGb: number;
  addedAt: string;
}

interface DiskImageManifest {
  addedAt: string;
  virtualBytes: number;
  disk: ImageFileFacts;
}

/** Where the registered images of a host are. */
export function diskImagesDir(stateDir: string): string {
  return join(stateDir, 'images');
}

/** The image of a name, with the content it was registered with. Rejects with `imageUnknown` or `imageDamaged`. */
export async function findDiskImage(dir: string, name: string): Promise<DiskImage> {
  if (!IMAGE_NAME.test(name)) throw await unknown(dir, name);
  const remedy = `register it again: npm run image -- remove ${name}, then npm run image -- add ${name} FILE.qcow2`;
  const { disk, manifest } = filesOf(dir, name);
  if (!(await isPlain(join(dir, name), 'directory'))) throw await unknown(dir, name);
  const said = await readManifest(manifest);
  if (said === undefined || !(await isPlain(disk, 'file'))) {
    throw new ProviderError('imageDamaged', `the image ${name} lacks a file; ${remedy}`);
  }
  await checkFile(disk, said.disk, remedy);
  return imageOf(dir, name, said);
}

/** Every registered image, by name. */
export async function listDiskImages(dir: string): Promise<DiskImage[]> {
  const names = (await entriesOf(dir)).filter((name) => IMAGE_NAME.test(name)).sort();
  const found = await Promise.all(
    names.map(async (name) => {
      const said = await readManifest(filesOf(dir, name).manifest);
      return said === undefined ? [] : [imageOf(dir, name, said)];
    }),
  );
  return found.flat();
}

/**
 * Copies a qcow2 file and registers it. Rejects with `imageRefused` for a wrong name, a link, a file that would read
 * others of this host, or a name that is taken; with `imageDamaged` for one that QEMU finds faulty.
 */
export async function addDiskImage(dir: string, name: string, source: string): Promise<DiskImage> {
  if (!IMAGE_NAME.test(name))
    throw refused(`${JSON.stringify(name)} is no name: use lower-case letters, digits, dashes`);
  if (name === BUILT_IN_IMAGE) throw refused(`${name} is the image that \`npm run image\` builds: use another name`);
  await makePrivateDir(dir);
  const draft = join(dir, `.${name}.${randomUUID()}`);
  await mkdir(draft, { mode: 0o700 });
  try {
    const manifest = await copyChecked(source, join(draft, FILE.disk));
    await writeFile(join(draft, FILE.manifest), jsonText(manifest), { mode: 0o600 });
    await rename(draft, join(dir, name));
    return imageOf(dir, name, manifest);
  } catch (error) {
    const taken = isErrno(error, 'ENOTEMPTY') || isErrno(error, 'EEXIST');
    if (taken) throw refused(`there is an image ${name}: remove it first, or use another name`);
    throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Forgets an image. Rejects with `imageUnknown`, and with `imageRefused` while a machine in `machinesDir` has it. */
export async function removeDiskImage(dir: string, name: string, machinesDir: string): Promise<void> {
  if (!IMAGE_NAME.test(name)) throw await unknown(dir, name);
  for (const machineId of await entriesOf(machinesDir)) {
    const manifest = await readMachineManifest(join(machinesDir, machineId));
    if (manifest?.disk?.base?.image !== name) continue;
    throw refused(
      `the disk of ${machineId} is laid over the image ${name}: destroy the VM ${manifest.labels.vm} first`,
    );
  }
  if (!(await isPlain(join(dir, name), 'directory'))) throw await unknown(dir, name);
  await rm(join(dir, name), { recursive: true, force: true });
}

/** Where the disk of a registered image is, whether or not there is such an image. */
export function diskFileOf(dir: string, name: string): string {
  return filesOf(dir, name).disk;
}

function filesOf(dir: string, name: string): { disk: string; manifest: string } {
  return { disk: join(dir, name, FILE.disk), manifest: join(dir, name, FILE.manifest) };
}

function imageOf(dir: string, name: string, { addedAt, virtualBytes }: DiskImageManifest): DiskImage {
  return { name, path: filesOf(dir, name).disk, sizeGb: gigabytesFor(virtualBytes), addedAt };
}

/** What is checked is the copy: the file it was taken from may be another one a moment later. */
async function copyChecked(source: string, path: string): Promise<DiskImageManifest> {
  const disk = await copy(source, path);
  const file = await open(path, 'r');
  try {
    const { virtualBytes } = await readQcow2Header(file, source);
    await refuseFaulty(path, source);
    await chmod(path, 0o400);
    return { addedAt: new Date().toISOString(), virtualBytes, disk };
  } finally {
    await file.close();
  }
}

async function copy(source: string, path: string): Promise<ImageFileFacts> {
  const from = await openPlain(source);
  try {
    const hash = createHash('sha256');
    let bytes = 0;
    const to = await open(path, 'wx', 0o600);
    await pipeline(
      from.createReadStream({ autoClose: false }),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          bytes += chunk.length;
          yield chunk;
        }
      },
      to.createWriteStream(),
    );
    return { bytes, sha256: hash.digest('hex') };
  } finally {
    await from.close();
  }
}

async function openPlain(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      if (isErrno(error, 'ELOOP')) throw refused(`${path} is a symbolic link: name the file itself`);
      throw refused(`${path} cannot be read: ${(error as Error).message}`);
    },
  );
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw refused(`${path} is no file`);
}

async function refuseFaulty(path: string, source: string): Promise<void> {
  await qemuImg(['check', '-q', '-f', 'qcow2', path]).catch((error: unknown) => {
    if (error instanceof ProviderError) throw error;
    throw new ProviderError(
      'imageDamaged',
      `qemu-img check finds ${source} faulty: make or download it anew (${(error as Error).message})`,
      { cause: error },
    );
  });
}

async function isPlain(path: string, kind: 'file' | 'directory'): Promise<boolean> {
  const found = await unlessAbsent(lstat(path));
  return kind === 'file' ? found?.isFile() === true : found?.isDirectory() === true;
}

const manifestSchema = z.looseObject({
  addedAt: z.string(),
  virtualBytes: z.number(),
  disk: fileFactsSchema,
}) satisfies z.ZodType<DiskImageManifest>;

/** Undefined for one that is damaged or not there. Errors: `hostFailure`. */
async function readManifest(path: string): Promise<DiskImageManifest | undefined> {
  return readChecked(path, manifestSchema).catch((error: unknown) => {
    if (error instanceof DamagedFile) return undefined;
    throw error;
  });
}

async function unknown(dir: string, name: string): Promise<ProviderError> {
  const names = [BUILT_IN_IMAGE, ...(await listDiskImages(dir)).map((image) => image.name)].join(', ');
  return new ProviderError(
    'imageUnknown',
    `this host has no image ${JSON.stringify(name)}; it has: ${names}. Another one is registered with npm run image -- add NAME FILE.qcow2`,
  );
}

function refused(message: string): ProviderError {
  return new ProviderError('imageRefused', message);
}
