/** Container images that tests build of single files: layers, OCI layouts, and archives as container tools write them. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { TarHeader } from '../../providers/qemu/image/container/tar-entry.ts';
import { paddingOf } from '../../providers/qemu/image/container/tar-reader.ts';
import { TAR_END, tarHeader } from '../../providers/qemu/image/container/tar-writer.ts';

export interface LayerFile extends Partial<Omit<TarHeader, 'size'>> {
  name: string;
  content?: string | Uint8Array;
}

/** A layer of files; without a type each is a plain file of root. */
export function layerOf(files: readonly LayerFile[]): Buffer {
  const parts = files.flatMap(({ content = '', ...file }) => {
    const bytes = Buffer.from(content as Uint8Array);
    const type = file.type ?? 'file';
    const rights = type === 'directory' ? 0o755 : 0o644;
    const facts = {
      mode: rights,
      uid: 0,
      gid: 0,
      modifiedAt: 1_700_000_000,
      target: '',
      xattrs: new Map<string, Buffer>(),
    };
    const header = tarHeader({ ...facts, device: { major: 0, minor: 0 }, ...file, type, size: bytes.length });
    return [header, bytes, Buffer.alloc(paddingOf(bytes.length))];
  });
  return Buffer.concat([...parts, TAR_END]);
}

export function directory(name: string, more: Partial<LayerFile> = {}): LayerFile {
  return { name, type: 'directory', ...more };
}

export interface ImageParts {
  layers: readonly Buffer[];
  /** The `config` of its configuration. */
  config?: Record<string, unknown>;
  architecture?: string;
  gzip?: boolean;
  /** Changes what is written, by its name in the layout. */
  tamper?: (name: string, bytes: Buffer) => Buffer;
  annotations?: Record<string, string>;
}

/** Writes an OCI layout into `path`. */
export async function writeOciLayout(path: string, parts: ImageParts): Promise<void> {
  const files = layoutFiles(parts);
  for (const [name, bytes] of files) {
    await mkdir(join(path, name, '..'), { recursive: true });
    await writeFile(join(path, name), bytes);
  }
}

/** Writes an archive of an OCI layout. */
export async function writeOciArchive(path: string, parts: ImageParts): Promise<void> {
  const files = [...layoutFiles(parts)].map(([name, content]) => ({ name, content }));
  await writeFile(path, layerOf(files));
}

/** Writes what `docker save` writes; equal layers are links, as older Dockers have them. */
export async function writeDockerArchive(path: string, parts: ImageParts & { tag?: string }): Promise<void> {
  const { layers, tag = 'test/app:1' } = parts;
  const config = Buffer.from(JSON.stringify(configOf(parts)));
  const names = layers.map((_, place) => `${place}/layer.tar`);
  const files = layers.map((layer, place): LayerFile => {
    const first = layers.findIndex((one) => one.equals(layer));
    const isLink = first < place;
    return isLink
      ? { name: `${place}/layer.tar`, type: 'symlink', target: `../${first}/layer.tar` }
      : { name: `${place}/layer.tar`, content: layer };
  });
  const configName = `${sha256(config)}.json`;
  const manifest = [{ Config: configName, RepoTags: [tag], Layers: names }];
  const all = [
    { name: 'manifest.json', content: JSON.stringify(manifest) },
    { name: configName, content: config },
    ...files,
  ];
  await writeFile(path, layerOf(all));
}

function layoutFiles(parts: ImageParts): Map<string, Buffer> {
  const { layers, gzip = true, annotations } = parts;
  const tamper = parts.tamper ?? ((_name: string, bytes: Buffer): Buffer => bytes);
  const files = new Map<string, Buffer>();
  const blob = (bytes: Buffer, mediaType: string): Record<string, unknown> => {
    const name = `blobs/sha256/${sha256(bytes)}`;
    files.set(name, tamper(name, bytes));
    return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length };
  };
  const type = (kind: string): string => `application/vnd.oci.image.${kind}`;
  const packed = layers.map((layer) => (gzip ? gzipSync(layer) : layer));
  const manifest = {
    schemaVersion: 2,
    mediaType: type('manifest.v1+json'),
    config: blob(Buffer.from(JSON.stringify(configOf(parts))), type('config.v1+json')),
    layers: packed.map((bytes) => blob(bytes, type(`layer.v1.tar${gzip ? '+gzip' : ''}`))),
  };
  const described = blob(Buffer.from(JSON.stringify(manifest)), manifest.mediaType);
  const manifests = [{ ...described, ...(annotations === undefined ? {} : { annotations }) }];
  files.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })));
  files.set('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  return files;
}

function configOf({ layers, config = { Cmd: ['/app'] }, architecture = 'amd64' }: ImageParts): Record<string, unknown> {
  const diffIds = layers.map((layer) => `sha256:${sha256(layer)}`);
  return { architecture, os: 'linux', config, rootfs: { type: 'layers', diff_ids: diffIds } };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
