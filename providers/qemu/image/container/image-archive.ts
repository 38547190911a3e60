/** The files that the layers of an image leave, as one tar archive in the order that mksquashfs needs. */
import { isDirectory, type Directory, type Inode, type LayeredTree } from './layered-tree.ts';
import type { TarHeader } from './tar-entry.ts';
import { paddingOf, readTar } from './tar-reader.ts';
import { TAR_END, tarHeader } from './tar-writer.ts';

/** The content of a layer, from its begin at each call. */
export type LayerRead = () => AsyncIterable<Buffer>;

export interface ImageArchive {
  bytes: AsyncGenerator<Buffer, void, undefined>;
  /** What its files hold together. */
  contentBytes: number;
}

/** Attributes that mean something to the overlay which the guest lays over these files, and are not of them. */
const OVERLAY_XATTRS = /^(trusted|user)\.overlay\./;

/** What is emitted once the names of all files are known. */
interface Emission {
  /** Directories, and files without content. */
  headers: TarHeader[];
  /** Files with content by layer and place in it, each with all its names. */
  files: Map<number, Map<number, { inode: Inode; names: string[] }>>;
  contentBytes: number;
}

/** Directories come first, then each file right before its hard links: later links, and paths that come twice, are lost. */
export function archiveOf(tree: LayeredTree, layers: readonly LayerRead[]): ImageArchive {
  const emission: Emission = { headers: [], files: new Map(), contentBytes: 0 };
  collect(tree.root, '', emission);
  return { bytes: archiveBytes(emission, layers), contentBytes: emission.contentBytes };
}

async function* archiveBytes(
  { headers, files }: Emission,
  layers: readonly LayerRead[],
): AsyncGenerator<Buffer, void, undefined> {
  for (const header of headers) yield tarHeader(header);
  for (const [layer, wanted] of files) {
    const read = layers[layer];
    if (read === undefined) throw new Error(`there is no layer ${layer}`);
    let place = 0;
    for await (const entry of readTar(read(), `layer ${layer + 1}`)) {
      const file = wanted.get(place);
      place += 1;
      if (file === undefined) continue;
      const { inode, names } = file;
      const [name = '', ...links] = names;
      yield tarHeader({ ...cleaned(inode), name });
      yield* entry.content();
      yield Buffer.alloc(paddingOf(inode.size));
      for (const link of links) yield tarHeader({ ...cleaned(inode), name: link, type: 'link', target: name, size: 0 });
    }
  }
  yield TAR_END;
}

function collect(directory: Directory, path: string, emission: Emission): void {
  const below: [child: Directory, path: string][] = [];
  for (const [name, child] of [...directory.children].sort(byName)) {
    const childPath = `${path}${name}`;
    if (isDirectory(child)) {
      emission.headers.push({ ...cleaned(child.facts), name: childPath, type: 'directory', size: 0, target: '' });
      below.push([child, `${childPath}/`]);
    } else if (child.inode.type !== 'file') {
      emission.headers.push({ ...cleaned(child.inode), name: childPath });
    } else {
      const { inode } = child;
      const ofLayer = emission.files.get(inode.layer) ?? new Map<number, { inode: Inode; names: string[] }>();
      emission.files.set(inode.layer, ofLayer);
      const names = ofLayer.get(inode.place)?.names ?? [];
      if (names.length === 0) emission.contentBytes += inode.size;
      ofLayer.set(inode.place, { inode, names: [...names, childPath] });
    }
  }
  for (const [child, childPath] of below) collect(child, childPath, emission);
}

function byName([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1;
}

function cleaned<Facts extends { xattrs: ReadonlyMap<string, Buffer> }>(facts: Facts): Facts {
  if (facts.xattrs.size === 0) return facts;
  return { ...facts, xattrs: new Map([...facts.xattrs].filter(([key]) => !OVERLAY_XATTRS.test(key))) };
}
