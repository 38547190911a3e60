/** Entries of tar archives as bytes: names and targets are `latin1` text, so that each byte of them is kept. */

export const BLOCK_BYTES = 512;

export type TarType = 'file' | 'link' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

/** What an entry says of a file besides its name and content. */
export interface FileFacts {
  /** Permissions with setuid, setgid and sticky; not the type. */
  mode: number;
  uid: number;
  gid: number;
  /** Whole seconds since 1970. */
  modifiedAt: number;
  xattrs: ReadonlyMap<string, Buffer>;
  device: { major: number; minor: number };
}

export interface TarHeader extends FileFacts {
  name: string;
  type: TarType;
  /** Of the content; 0 for all but files. */
  size: number;
  /** Target of links. */
  target: string;
}

export const TYPE_FLAG: Readonly<Record<TarType, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

export const XATTR_PREFIX = 'SCHILY.xattr.';
