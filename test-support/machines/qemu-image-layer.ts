/** Images that differ from the built one in a last layer, for tests that need to be inside of a guest. */
import { createHash } from 'node:crypto';
import { appendFile, copyFile, readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { qemuImageIn, type QemuImage, type QemuImageManifest } from '../../providers/qemu/image/image-files.ts';
import { CpioArchive } from '../../providers/qemu/image/cpio-archive.ts';

/** Files of a layer by their path without the first slash. All may be run. */
export type LayerFiles = Record<string, string>;

/** Makes an image in `directory` that is `image` with `files` over it. */
export async function imageWith(image: QemuImage, files: LayerFiles, directory: string): Promise<QemuImage> {
  const archive = new CpioArchive();
  for (const [path, text] of Object.entries(files)) archive.file(path, Buffer.from(text), 0o755);
  const copy = await copyOf(image, directory);
  await appendFile(copy.initrd, gzipSync(archive.bytes()));
  const content = await readFile(copy.initrd);
  const manifest = JSON.parse(await readFile(copy.manifest, 'utf8')) as QemuImageManifest;
  manifest.initrd = { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  await writeFile(copy.manifest, JSON.stringify(manifest));
  return copy;
}

/** The files of `image` once more, to be changed. */
export async function copyOf(image: QemuImage, directory: string): Promise<QemuImage> {
  const copy = { ...qemuImageIn(directory), agent: image.agent, node: image.node };
  for (const part of ['kernel', 'initrd', 'manifest'] as const) await copyFile(image[part], copy[part]);
  return copy;
}
