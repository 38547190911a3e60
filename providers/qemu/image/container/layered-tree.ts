/**
 * The files of an image as its layers leave them. Only names and facts are kept; content stays where it is. A layer's
 * whiteouts hide what the layers below it brought, and nothing of its own, in whatever order they stand.
 */
import { ProviderError } from '../../../../domain/machine/provider-error.ts';
import type { FileFacts, TarHeader, TarType } from './tar-entry.ts';

const WHITEOUT = '.wh.';
const WHITEOUT_OF_AUFS = '.wh..wh.';
const OPAQUE = '.wh..wh..opq';
/** As many as Linux follows. */
const MAX_SYMLINKS = 40;
const MAX_PATH_BYTES = 4096;
const MAX_NAME_BYTES = 255;

/** A file that is no directory, under one or several names. */
export interface Inode extends FileFacts {
  type: Exclude<TarType, 'directory' | 'link'>;
  size: number;
  target: string;
  /** The layer and the place in it where its content is. */
  layer: number;
  place: number;
}

export interface Directory {
  facts: FileFacts;
  /** The layer that said it last. */
  layer: number;
  children: Map<string, Directory | Name>;
}

/** A name of a file. */
export interface Name {
  inode: Inode;
  layer: number;
}

const IMPLIED: FileFacts = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  modifiedAt: 0,
  xattrs: new Map(),
  device: { major: 0, minor: 0 },
};

export class LayeredTree {
  readonly root: Directory = { facts: IMPLIED, layer: 0, children: new Map() };
  #layer = 0;
  /** What this layer hid, by path: its hard links may still mean it. */
  #hidden = new Map<string, Inode>();

  beginLayer(layer: number): void {
    this.#layer = layer;
    this.#hidden = new Map();
  }

  /**
   * Applies the entry at a place of the layer. Answers with the file that it brought, where it brought one. Errors:
   * `imageRefused` for a path out of the image, `imageDamaged` for a link to nothing.
   */
  apply(header: TarHeader, place: number): Inode | undefined {
    const parts = partsOf(header.name, this.#layer);
    const last = parts.at(-1);
    if (last === undefined) {
      if (header.type === 'directory') this.root.facts = factsOf(header);
      return undefined;
    }
    const parent = this.#directoryAt(parts.slice(0, -1), true);
    if (parent === undefined) throw new Error('a parent was not made');
    if (last.startsWith(WHITEOUT)) {
      this.#hide(parent, last, parts.slice(0, -1));
      return undefined;
    }
    if (header.type === 'directory') {
      const before = parent.children.get(last);
      const children = before !== undefined && isDirectory(before) ? before.children : new Map<string, never>();
      parent.children.set(last, { facts: factsOf(header), layer: this.#layer, children });
      return undefined;
    }
    if (header.target.length > MAX_PATH_BYTES) {
      throw new ProviderError('imageRefused', `the target of ${shown(header.name)} is longer than Linux takes`);
    }
    const inode = header.type === 'link' ? this.#linked(header) : this.#brought(header, header.type, place);
    parent.children.set(last, { inode, layer: this.#layer });
    return inode;
  }

  /** The file at a path, links followed; undefined where there is none. */
  find(path: string): Inode | undefined {
    return this.#find(path.split('/').filter(Boolean), MAX_SYMLINKS);
  }

  #find(parts: readonly string[], symlinks: number): Inode | undefined {
    const parent = this.#directoryAt(parts.slice(0, -1), false);
    const found = parent?.children.get(parts.at(-1) ?? '');
    if (found === undefined || isDirectory(found)) return undefined;
    if (found.inode.type !== 'symlink') return found.inode;
    if (symlinks === 0) return undefined;
    const { target } = found.inode;
    const base = target.startsWith('/') ? [] : parts.slice(0, -1);
    return this.#find(
      [...base, ...target.split('/')].filter((part) => part !== '' && part !== '.'),
      symlinks - 1,
    );
  }

  #brought(header: TarHeader, type: Inode['type'], place: number): Inode {
    const { size, target } = header;
    return { ...factsOf(header), type, size, target, layer: this.#layer, place };
  }

  #linked({ name, target }: TarHeader): Inode {
    const parts = partsOf(target, this.#layer);
    const parent = this.#directoryAt(parts.slice(0, -1), false);
    const found = parent?.children.get(parts.at(-1) ?? '');
    if (found !== undefined && !isDirectory(found)) return found.inode;
    const hidden = found === undefined ? this.#hidden.get(parts.join('/')) : undefined;
    if (hidden !== undefined) return hidden;
    throw new ProviderError(
      'imageDamaged',
      `layer ${this.#layer + 1} links ${shown(name)} to ${shown(target)}, which is no file of the image`,
    );
  }

  /** The directory at a path, its symbolic links followed within the image. `make`: what is missing is made, as tar does. */
  #directoryAt(path: readonly string[], make: boolean): Directory | undefined {
    const todo = [...path].reverse();
    const above: Directory[] = [];
    let at = this.root;
    let symlinks = 0;
    for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
      if (part === '' || part === '.') continue;
      if (part === '..') {
        at = above.pop() ?? this.root;
        continue;
      }
      const next = at.children.get(part);
      if (next !== undefined && !isDirectory(next) && next.inode.type === 'symlink') {
        symlinks += 1;
        if (symlinks > MAX_SYMLINKS) throw damaged(`the links at ${shown(path.join('/'))} lead round in a circle`);
        const { target } = next.inode;
        if (target.startsWith('/')) {
          at = this.root;
          above.length = 0;
        }
        todo.push(...target.split('/').reverse());
        continue;
      }
      if (next !== undefined && isDirectory(next)) {
        above.push(at);
        at = next;
        continue;
      }
      if (!make) return undefined;
      const made: Directory = { facts: IMPLIED, layer: this.#layer, children: new Map() };
      at.children.set(part, made);
      above.push(at);
      at = made;
    }
    return at;
  }

  #hide(parent: Directory, name: string, path: readonly string[]): void {
    if (name === OPAQUE) {
      this.#hideBelow(parent, path);
      return;
    }
    // Others of these are what one file system kept for itself.
    if (name.startsWith(WHITEOUT_OF_AUFS)) return;
    const hidden = name.slice(WHITEOUT.length);
    this.#hideOne(parent, hidden, path);
  }

  #hideOne(parent: Directory, name: string, path: readonly string[]): void {
    const found = parent.children.get(name);
    if (found === undefined) return;
    if (!isDirectory(found)) {
      if (found.layer === this.#layer) return;
      this.#hidden.set([...path, name].join('/'), found.inode);
      parent.children.delete(name);
      return;
    }
    this.#hideBelow(found, [...path, name]);
    if (found.layer === this.#layer) return;
    if (found.children.size === 0) parent.children.delete(name);
    else parent.children.set(name, { ...found, facts: IMPLIED, layer: this.#layer });
  }

  #hideBelow(directory: Directory, path: readonly string[]): void {
    for (const name of [...directory.children.keys()]) this.#hideOne(directory, name, path);
  }
}

export function isDirectory(node: Directory | Name): node is Directory {
  return 'children' in node;
}

/** The names on the way to a file of the image, whether it is said from its root or from nowhere. */
function partsOf(path: string, layer: number): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) {
    const text = `layer ${layer + 1} names ${shown(path)}, which leads out of the image: it was made by nobody's container tool`;
    throw new ProviderError('imageRefused', text);
  }
  if (path.length > MAX_PATH_BYTES || parts.some((part) => part.length > MAX_NAME_BYTES)) {
    throw new ProviderError('imageRefused', `layer ${layer + 1} has a longer name than Linux takes: ${shown(path)}`);
  }
  return parts;
}

function factsOf({ mode, uid, gid, modifiedAt, xattrs, device }: FileFacts): FileFacts {
  return { mode, uid, gid, modifiedAt, xattrs, device };
}

function shown(path: string): string {
  return JSON.stringify(Buffer.from(path, 'latin1').toString('utf8').slice(0, 200));
}

function damaged(message: string): ProviderError {
  return new ProviderError('imageDamaged', message);
}
