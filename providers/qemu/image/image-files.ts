/** A bootable image on disk, checked before a machine is made from it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import { isAbsent } from '../../../lib/files/absent.ts';
import { asHostFailure } from '../../host/host-failure.ts';

/** Paths of the files of an image. */
export interface QemuImage {
  kernel: string;
  initrd: string;
  /** Volumes with the agent for machines of other images and with the Node that runs it: providers/qemu/image/agent-volumes.ts. */
  agent: string;
  node: string;
  /** What guests of container images boot instead of `initrd`; their Node comes on the volume. */
  containerInitrd: string;
  /** {@link QemuImageManifest} */
  manifest: string;
}

/** The files of the image in a directory, as `npm run image` builds them. */
export function qemuImageIn(directory: string): QemuImage {
  return {
    kernel: join(directory, 'vmlinuz'),
    initrd: join(directory, 'initrd.img'),
    agent: join(directory, 'agent.iso'),
    node: join(directory, 'node.iso'),
    containerInitrd: join(directory, 'container.img'),
    manifest: join(directory, 'manifest.json'),
  };
}

export interface QemuImageManifest {
  createdAt: string;
  kernelVersion: string;
  nodeVersion: string;
  /** Machines with less memory do not boot. */
  minMemoryMb: number;
  kernel: ImageFileFacts;
  initrd: ImageFileFacts;
  agent: ImageFileFacts;
  node: ImageFileFacts;
  /** Absent in images of before there were container images. */
  containerInitrd?: ImageFileFacts;
}

export interface ImageFileFacts {
  bytes: number;
  sha256: string;
}

export const fileFactsSchema = z.looseObject({
  bytes: z.number(),
  sha256: z.string(),
}) satisfies z.ZodType<ImageFileFacts>;

const manifestSchema = z.looseObject({
  createdAt: z.string(),
  kernelVersion: z.string(),
  nodeVersion: z.string(),
  minMemoryMb: z.number(),
  kernel: fileFactsSchema,
  initrd: fileFactsSchema,
  agent: fileFactsSchema,
  node: fileFactsSchema,
  containerInitrd: fileFactsSchema.exactOptional(),
}) satisfies z.ZodType<QemuImageManifest>;

/** Files whose content was found right, by path, with the time of their last change. */
const CHECKED = new Map<string, number>();

/**
 * The manifest of an image whose files are what was built. Content is read once per file and process. Rejects
 * with `imageMissing` or `imageDamaged`.
 */
export async function checkImage(image: QemuImage): Promise<QemuImageManifest> {
  const manifest = await readManifest(image);
  await checkFile(image.kernel, manifest.kernel);
  await checkFile(image.initrd, manifest.initrd);
  return manifest;
}

/** Rejects like {@link checkImage} where the volumes with the agent and its Node are not what was built. */
export async function checkAgentVolumes(image: QemuImage): Promise<void> {
  const { agent, node } = await readManifest(image);
  await checkFile(image.agent, agent);
  await checkFile(image.node, node);
}

/** Like {@link checkImage}, of what guests of container images boot. */
export async function checkContainerBoot(image: QemuImage): Promise<QemuImageManifest> {
  const manifest = await readManifest(image);
  const { kernel, node, containerInitrd } = manifest;
  if (containerInitrd === undefined) {
    const text = `${dirname(image.manifest)} was made before there were container images: run \`npm run image\` on this host`;
    throw new ProviderError('imageMissing', text);
  }
  await checkFile(image.kernel, kernel);
  await checkFile(image.node, node);
  await checkFile(image.containerInitrd, containerInitrd);
  return manifest;
}

async function readManifest({ manifest: path }: QemuImage): Promise<QemuImageManifest> {
  const manifest = parseManifest(await readFile(path, 'utf8').catch(missing(path)));
  if (manifest === undefined) throw damaged(path, 'it is no manifest');
  return manifest;
}

/**
 * Reads the content of a file, once per process and change of the file. Rejects with `imageMissing`, or with
 * `imageDamaged`, which says `remedy`.
 */
export async function checkFile(path: string, said: ImageFileFacts, remedy = buildAgain(path)): Promise<void> {
  const { size, mtimeMs } = await stat(path).catch(missing(path));
  if (size !== said.bytes) throw damaged(path, `it has ${size} bytes, made were ${said.bytes}`, remedy);
  if (CHECKED.get(path) === mtimeMs) return;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  if (hash.digest('hex') !== said.sha256) throw damaged(path, 'its content differs from what was made', remedy);
  CHECKED.set(path, mtimeMs);
}

function parseManifest(text: string): QemuImageManifest | undefined {
  try {
    return manifestSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function missing(path: string): (cause: unknown) => never {
  return (cause) => {
    if (!isAbsent(cause)) throw asHostFailure(cause);
    throw new ProviderError('imageMissing', `${path} is not there: run \`npm run image\` on this host`, { cause });
  };
}

function buildAgain(path: string): string {
  return `remove ${dirname(path)} and run \`npm run image\``;
}

function damaged(path: string, why: string, remedy = buildAgain(path)): ProviderError {
  return new ProviderError('imageDamaged', `${path}: ${why}; ${remedy}`);
}
