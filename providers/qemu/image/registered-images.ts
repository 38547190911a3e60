/**
 * The images of people that this host has, each version in a directory of its own: `<state dir>/images/<name>.<version>/`
 * holds its content, which nobody writes any more, and `manifest.json`. The disk of a machine lies over that very
 * directory, so a later version of the name changes no machine. (Those of before are in `images/<name>/`.)
 */
import { createHash } from 'node:crypto';
import { lstat, mkdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import {
  COPY_NAME,
  COPY_ORIGINS,
  IMAGE_KINDS,
  copiesOf,
  latestFirst,
  parseImageName,
  type CopyOrigin,
  type ImageKind,
  type ImageVersion,
} from '../../../domain/machine/image-copies.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { replaceFile } from '../../../lib/files/atomic-file.ts';
import { canonicalJson } from '../../../lib/text/canonical-json.ts';
import { readChecked } from '../../host/files/checked-file.ts';
import { entriesOf, jsonText, makePrivateDir } from '../../host/files/machine-files.ts';
import { DamagedFile, unlessAbsent } from '../../host/host-failure.ts';
import { BUILT_IN_IMAGE } from '../capabilities.ts';
import { readManifest as readMachineManifest } from '../machine/machine-manifest.ts';
import { checkFile, fileFactsSchema, type ImageFileFacts } from './image-files.ts';
import { gigabytesFor } from './qcow2-header.ts';

export const IMAGE_MANIFEST = 'manifest.json';
/** The one file of an image besides its manifest. */
export const IMAGE_CONTENT: Readonly<Record<ImageKind, string>> = {
  qcow2: 'disk.qcow2',
  container: 'root.squashfs',
};

/** What is known of a version besides its content; also what a host that fetches it gets. */
export interface ImageManifest {
  addedAt: string;
  /** Absent: `qcow2`, of before there were others. */
  kind?: ImageKind | undefined;
  /** The least disk of a machine, in bytes. */
  virtualBytes: number;
  /** Its content. */
  disk: ImageFileFacts;
  /** How a container image is run. */
  container?: Record<string, unknown> | undefined;
  /** Absent: `registered`. */
  origin?: CopyOrigin | undefined;
  /** Where its content can be had too. */
  url?: string | undefined;
}

/** One version on this host. */
export interface RegisteredVersion extends ImageVersion {
  kind: ImageKind;
  directory: string;
  /** Of its content. */
  path: string;
  sha256: string;
  bytes: number;
  /** The least disk that a machine of it can have. */
  sizeGb: number;
  addedAt: string;
  origin: CopyOrigin;
  manifest: ImageManifest;
}

const manifestSchema = z.looseObject({
  addedAt: z.string(),
  kind: z.enum(IMAGE_KINDS).optional(),
  virtualBytes: z.number().min(0),
  disk: fileFactsSchema,
  container: z.record(z.string(), z.unknown()).optional(),
  origin: z.enum(COPY_ORIGINS).optional(),
  url: z.string().optional(),
}) satisfies z.ZodType<ImageManifest>;

/** What a peer sent; undefined for what is no manifest. */
export function parseImageManifest(value: unknown): ImageManifest | undefined {
  const manifest = manifestSchema.safeParse(value).data;
  return manifest !== undefined && /^[0-9a-f]{64}$/.test(manifest.disk.sha256) ? manifest : undefined;
}

/** Where the images of a host are. */
export function registeredImagesDir(stateDir: string): string {
  return join(stateDir, 'images');
}

/**
 * The same on every host for the same image. Two containers with one content are two versions when they are run in
 * different ways.
 */
export function versionOf({ disk, container }: Pick<ImageManifest, 'disk' | 'container'>): string {
  const digest =
    container === undefined
      ? disk.sha256
      : createHash('sha256')
          .update(`${disk.sha256} ${canonicalJson(container)}`)
          .digest('hex');
  return digest.slice(0, 12);
}

/** Every version of every image, by name, the latest first. */
export async function listRegistered(dir: string): Promise<RegisteredVersion[]> {
  const found = await Promise.all(
    (await entriesOf(dir)).map(async (entry) => {
      const [name = '', version, ...rest] = entry.split('.');
      if (!COPY_NAME.test(name) || rest.length > 0) return [];
      const manifest = await readManifest(join(dir, entry));
      if (manifest === undefined || (version !== undefined && version !== versionOf(manifest))) return [];
      return [asRegistered(name, join(dir, entry), manifest)];
    }),
  );
  return found.flat().sort((a, b) => (a.name === b.name ? latestFirst(a, b) : a.name < b.name ? -1 : 1));
}

/**
 * The version that is meant, `name` or `name@version`, with the content it was registered with; without a version the latest
 * one here. Rejects with `imageUnknown` or `imageDamaged`.
 */
export async function findRegistered(dir: string, text: string): Promise<RegisteredVersion> {
  const wanted = parseImageName(text);
  const [found] = wanted === undefined ? [] : copiesOf(await listRegistered(dir), wanted);
  if (found !== undefined) {
    await checkRegistered(found);
    return found;
  }
  if (wanted?.pinned === null && (await isPlain(join(dir, wanted.name), 'directory'))) throw lacksFile(wanted.name);
  throw await unknownImage(dir, text);
}

/** Reads its content, once per process and change. Rejects with `imageDamaged`. */
export async function checkRegistered({ name, path, manifest }: RegisteredVersion): Promise<void> {
  if (!(await isPlain(path, 'file'))) throw lacksFile(name);
  await checkFile(path, manifest.disk, remedyOf(name));
}

/** @throws ProviderError `imageRefused` for what cannot be the name of an image. */
export function requireImageName(name: string): void {
  if (!COPY_NAME.test(name)) {
    throw refused(`${JSON.stringify(name)} is no name: use lower-case letters, digits, dashes`);
  }
  if (name === BUILT_IN_IMAGE) throw refused(`${name} is the image that \`npm run image\` builds: use another name`);
}

/**
 * Takes a version from a draft: a directory beside the others, with its content. One that is here already gets this content,
 * which is the same, and the time of this registration, so that it is the latest one again.
 */
export async function register(
  dir: string,
  name: string,
  { draft, manifest }: { draft: string; manifest: ImageManifest },
): Promise<RegisteredVersion> {
  requireImageName(name);
  const version = versionOf(manifest);
  const here = (await listRegistered(dir)).find((one) => one.name === name && one.version === version);
  const directory = here?.directory ?? join(dir, `${name}.${version}`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const content = IMAGE_CONTENT[manifest.kind ?? 'qcow2'];
  await rename(join(draft, content), join(directory, content));
  const origin = here?.origin === 'registered' ? here.origin : (manifest.origin ?? 'registered');
  const now = { ...manifest, origin };
  await replaceFile(join(directory, IMAGE_MANIFEST), jsonText(now));
  return asRegistered(name, directory, now);
}

/** A place for what becomes a version, beside the others; whoever asks for it removes it. */
export async function makeDraft(dir: string, name: string, id: string): Promise<string> {
  await makePrivateDir(dir);
  const draft = join(dir, `.${name}.${id}`);
  await mkdir(draft, { mode: 0o700 });
  return draft;
}

/**
 * Forgets every version of a name, or the one of `name@version`. Rejects with `imageUnknown`, and with `imageRefused` while
 * a machine in `machinesDir` has one.
 */
export async function removeRegistered(dir: string, text: string, machinesDir: string): Promise<void> {
  const wanted = parseImageName(text);
  if (wanted === undefined) throw await unknownImage(dir, text);
  const found = copiesOf(await listRegistered(dir), wanted);
  const directories = new Set(found.map(({ directory }) => directory));
  const bare = join(dir, wanted.name);
  if (wanted.pinned === null && (await isPlain(bare, 'directory'))) directories.add(bare);
  if (directories.size === 0) throw await unknownImage(dir, text);
  for (const { machineId, vm, directory } of await usersOf(machinesDir)) {
    if (!directories.has(directory)) continue;
    throw refused(`the disk of ${machineId} is laid over the image ${wanted.name}: destroy the VM ${vm} first`);
  }
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
}

/** Machines whose disks lie over images. Rejects where that is not known of one, unless such are to be left out. */
export async function usersOf(
  machinesDir: string,
  { withoutDamaged = false } = {},
): Promise<{ machineId: string; vm: string; directory: string }[]> {
  const users = (await entriesOf(machinesDir)).map(async (machineId) => {
    const manifest = await readMachineManifest(join(machinesDir, machineId)).catch((error: unknown) => {
      if (withoutDamaged && error instanceof DamagedFile) return undefined;
      throw error;
    });
    const path = manifest?.container?.root ?? manifest?.disk?.base?.path;
    if (manifest === undefined || path === undefined) return [];
    return [{ machineId, vm: manifest.labels.vm, directory: dirname(path) }];
  });
  return (await Promise.all(users)).flat();
}

/** When a machine was made of it last, or it came here; epoch ms. */
export async function usedAt({ directory }: Pick<RegisteredVersion, 'directory'>): Promise<number> {
  return (await unlessAbsent(stat(directory)))?.mtimeMs ?? 0;
}

export async function noteUse({ directory }: Pick<RegisteredVersion, 'directory'>): Promise<void> {
  const now = new Date();
  await utimes(directory, now, now).catch(() => undefined);
}

/** Where the content of an image of before is, whether or not there is such an image. */
export function contentPathOf(dir: string, name: string): string {
  return join(dir, name, IMAGE_CONTENT.qcow2);
}

/** What to do about one that is not what was registered. */
export function remedyOf(name: string): string {
  return `register it again: npm run image -- add ${name} SOURCE`;
}

export async function unknownImage(dir: string, text: string): Promise<ProviderError> {
  const names = new Set([BUILT_IN_IMAGE, ...(await listRegistered(dir)).map((image) => image.name)]);
  return new ProviderError(
    'imageUnknown',
    `this host has no image ${JSON.stringify(text)}; it has: ${[...names].join(', ')}. ` +
      'Another one is registered with npm run image -- add NAME SOURCE',
  );
}

export function refused(message: string): ProviderError {
  return new ProviderError('imageRefused', message);
}

function lacksFile(name: string): ProviderError {
  return new ProviderError('imageDamaged', `the image ${name} lacks a file; ${remedyOf(name)}`);
}

function asRegistered(name: string, directory: string, manifest: ImageManifest): RegisteredVersion {
  const { kind = 'qcow2', disk, virtualBytes, addedAt, origin = 'registered' } = manifest;
  return {
    ...{ name, version: versionOf(manifest), kind, directory, path: join(directory, IMAGE_CONTENT[kind]) },
    ...{ sha256: disk.sha256, bytes: disk.bytes, sizeGb: gigabytesFor(virtualBytes), addedAt, origin, manifest },
  };
}

async function isPlain(path: string, kind: 'file' | 'directory'): Promise<boolean> {
  const found = await unlessAbsent(lstat(path));
  return kind === 'file' ? found?.isFile() === true : found?.isDirectory() === true;
}

/** Undefined for one that is damaged or not there, or behind a link. Errors: `hostFailure`. */
async function readManifest(directory: string): Promise<ImageManifest | undefined> {
  if (!(await isPlain(directory, 'directory'))) return undefined;
  return readChecked(join(directory, IMAGE_MANIFEST), manifestSchema).catch((error: unknown) => {
    if (error instanceof DamagedFile) return undefined;
    throw error;
  });
}
