/**
 * Makes of a container image what guests boot: one read-only file system of all its layers, and how its program is started.
 * Nothing of the image is ever unpacked on this computer, so no path, link or owner in it means anything here.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { GuestContainer } from '../../../../domain/machine/guest-container.ts';
import { ProviderError } from '../../../../domain/machine/provider-error.ts';
import type { PortSpec } from '../../../../domain/vm/spec.ts';
import type { ImageFileFacts } from '../image-files.ts';
import { describeImage, type DescribedImage } from './image-config.ts';
import { exposedPorts, programOf } from './image-program.ts';
import { openImageSource, type ImageSource } from './image-source.ts';
import { archiveOf, type LayerRead } from './image-archive.ts';
import { LayeredTree, type Inode } from './layered-tree.ts';
import { layerContent } from './layer-stream.ts';
import { makeSquashfs } from './squashfs.ts';
import type { TarHeader } from './tar-entry.ts';
import { readTar } from './tar-reader.ts';

/** The file system of an image in its directory. */
export const ROOT_FILE = 'root.squashfs';
/** Larger lists of users are nobody's. */
const MAX_ACCOUNTS_BYTES = 1024 * 1024;
const ACCOUNT_FILES = ['etc/passwd', 'etc/group'];

export interface ConversionLimits {
  /** What all layers may unpack to. */
  unpackedBytes: number;
  /** How many files, directories and links they may have. */
  entries: number;
}

export const CONVERSION_LIMITS: ConversionLimits = { unpackedBytes: 20 * 1024 ** 3, entries: 1_000_000 };

export interface ConversionInput {
  /** An OCI layout directory, an archive of one, or what `docker save` writes. */
  source: string;
  /** Of the caller's own; {@link ROOT_FILE} is written into it. */
  outDir: string;
  limits?: ConversionLimits;
}

/** What was made of a container image. */
export interface ConvertedImage {
  /** Digest of its configuration, by which container tools know it. */
  id: string;
  /** The name that the archive gives it, such as `docker.io/library/nginx:1`; null where it gives none. */
  reference: string | null;
  root: ImageFileFacts;
  /** What its files hold together, as the guest sees them. */
  contentBytes: number;
  program: GuestContainer;
  /** The ports that it says it listens on. */
  ports: PortSpec[];
}

/**
 * Converts an image. On any error nothing of it is left in `outDir`. Errors: `imageRefused` for what cannot run or is more
 * than the limits, `imageDamaged` for what is not what it says, `toolMissing`, `diskFull`.
 */
export async function convertContainerImage({
  source: path,
  outDir,
  limits = CONVERSION_LIMITS,
}: ConversionInput): Promise<ConvertedImage> {
  const scratch = join(outDir, 'archive.tar');
  const root = join(outDir, ROOT_FILE);
  try {
    const source = await openImageSource(path, scratch, limits.unpackedBytes);
    const image = await describeImage(source);
    const { tree, accounts } = await readLayers(source, image, limits);
    const { mode, uid, gid } = tree.root.facts;
    const program = programOf({ config: image.config, accounts, root: { mode, uid, gid } }, source.what);
    const contentBytes = await archived(
      tree,
      image.layers.map((layer) => () => layerContent(source, layer, budgetOf(limits))),
      root,
    );
    const { id, reference, config } = image;
    return { id, reference, root: await factsOf(root), contentBytes, program, ports: exposedPorts(config) };
  } catch (error) {
    await rm(root, { force: true });
    throw error;
  } finally {
    await rm(scratch, { force: true });
  }
}

async function archived(tree: LayeredTree, layers: readonly LayerRead[], path: string): Promise<number> {
  const archive = archiveOf(tree, layers);
  await makeSquashfs({ archive: archive.bytes, path });
  return archive.contentBytes;
}

interface ReadLayers {
  tree: LayeredTree;
  accounts: { passwd: string | null; group: string | null };
}

/** Reads all layers once: whether they are what the image says, and which of their files are left. */
async function readLayers(
  source: ImageSource,
  { layers }: DescribedImage,
  limits: ConversionLimits,
): Promise<ReadLayers> {
  const tree = new LayeredTree();
  const accountTexts = new Map<Inode, string>();
  const budget = budgetOf(limits);
  let entries = 0;
  for (const [layer, part] of layers.entries()) {
    tree.beginLayer(layer);
    let place = 0;
    for await (const entry of readTar(layerContent(source, part, budget), part.what)) {
      entries += 1;
      if (entries > limits.entries) {
        throw new ProviderError('imageRefused', `${source.what} has more than ${limits.entries} files and directories`);
      }
      const inode = tree.apply(entry, place);
      place += 1;
      if (inode !== undefined && isAccountFile(entry)) {
        accountTexts.set(inode, await textOf(entry.content()));
      }
    }
  }
  const accountText = (path: string): string | null => {
    const inode = tree.find(path);
    return inode === undefined ? null : (accountTexts.get(inode) ?? null);
  };
  return { tree, accounts: { passwd: accountText('etc/passwd'), group: accountText('etc/group') } };
}

function isAccountFile({ type, name, size }: TarHeader): boolean {
  if (type !== 'file' || size > MAX_ACCOUNTS_BYTES) return false;
  return ACCOUNT_FILES.some((file) => name === file || name.endsWith(`/${file}`));
}

async function textOf(content: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

function budgetOf({ unpackedBytes }: ConversionLimits): { leftBytes: number; limitBytes: number } {
  return { leftBytes: unpackedBytes, limitBytes: unpackedBytes };
}

async function factsOf(path: string): Promise<ImageFileFacts> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { bytes: (await stat(path)).size, sha256: hash.digest('hex') };
}
