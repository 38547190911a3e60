/** Writes what mksquashfs reads: tar headers, with a pax header before each that does not fit. */
import { BLOCK_BYTES, TYPE_FLAG, XATTR_PREFIX, type TarHeader } from './tar-entry.ts';
import { paddingOf } from './tar-reader.ts';

const MOST = { name: 100, id: 0o7777777, size: 0o77777777777 } as const;

/** The end of an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES);

/** The header blocks of an entry. Its content comes next, then zeros up to a whole block. */
export function tarHeader(header: TarHeader): Buffer {
  const { name, target, uid, gid, size, xattrs } = header;
  const records: [key: string, value: Buffer][] = [...xattrs].map(([key, value]) => [`${XATTR_PREFIX}${key}`, value]);
  if (name.length > MOST.name) records.push(['path', Buffer.from(name, 'latin1')]);
  if (target.length > MOST.name) records.push(['linkpath', Buffer.from(target, 'latin1')]);
  if (uid > MOST.id) records.push(['uid', Buffer.from(`${uid}`)]);
  if (gid > MOST.id) records.push(['gid', Buffer.from(`${gid}`)]);
  if (size > MOST.size) records.push(['size', Buffer.from(`${size}`)]);
  const block = headerBlock(header, TYPE_FLAG[header.type]);
  if (records.length === 0) return block;
  const content = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)));
  const pax: TarHeader = { ...header, name: 'pax', target: '', size: content.length, mode: 0o644, uid: 0, gid: 0 };
  return Buffer.concat([headerBlock(pax, 'x'), content, Buffer.alloc(paddingOf(content.length)), block]);
}

function headerBlock({ name, target, size, mode, uid, gid, modifiedAt, device }: TarHeader, flag: string): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, start: number, length: number, most: number): void => {
    block.write((value > most ? 0 : value).toString(8).padStart(length - 1, '0'), start, 'latin1');
  };
  block.write(name.slice(0, MOST.name), 0, 'latin1');
  octal(mode, 100, 8, MOST.id);
  octal(uid, 108, 8, MOST.id);
  octal(gid, 116, 8, MOST.id);
  octal(size, 124, 12, MOST.size);
  octal(modifiedAt, 136, 12, MOST.size);
  block.write(' '.repeat(8), 148, 'latin1');
  block.write(flag, 156, 'latin1');
  block.write(target.slice(0, MOST.name), 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(device.major, 329, 8, MOST.id);
  octal(device.minor, 337, 8, MOST.id);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** The length at its begin counts itself. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length;
  return Buffer.concat([Buffer.from(`${length}`), rest]);
}
