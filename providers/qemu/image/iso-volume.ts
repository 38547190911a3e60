/**
 * Read-only volumes for guests, as an ISO 9660 file system with one directory. Every system that a disk image may
 * hold reads it; Linux shows the names in lower case and every file as executable.
 */
const SECTOR_BYTES = 2048;
/** Nothing of ours is before it. */
const FIRST_DESCRIPTOR = 16;
const PATH_TABLE_BYTES = 10;
const PLACE = { littlePathTable: FIRST_DESCRIPTOR + 2, bigPathTable: FIRST_DESCRIPTOR + 3, root: FIRST_DESCRIPTOR + 4 };
const SELF = Buffer.from([0]);
const PARENT = Buffer.from([1]);
const DIRECTORY = 2;
/** 2000-01-01 UTC: the same files give the same bytes. */
const MADE_AT = Buffer.from([100, 1, 1, 0, 0, 0, 0]);
const NO_TIME = Buffer.concat([Buffer.alloc(16, '0'), Buffer.alloc(1)]);

export interface VolumeFile {
  /** At most 30 characters, without a slash; two that differ in case alone are one. */
  name: string;
  content: Uint8Array;
}

/** The bytes of a volume. `label` is its name, at most 32 characters. */
export function isoVolume(label: string, files: readonly VolumeFile[]): Buffer {
  const sorted = files
    .map(({ name, content }) => ({ id: identifier(name), content }))
    .sort((one, other) => Buffer.compare(one.id, other.id));
  const rootBytes = directoryOf(sorted.map(({ id, content }) => ({ id, sector: 0, bytes: content.length }))).length;
  let next = PLACE.root + rootBytes / SECTOR_BYTES;
  const entries = sorted.map(({ id, content }) => {
    const sector = next;
    next += Math.ceil(content.length / SECTOR_BYTES);
    return { id, sector, bytes: content.length };
  });
  return Buffer.concat([
    Buffer.alloc(FIRST_DESCRIPTOR * SECTOR_BYTES),
    primaryDescriptor(label, next, rootBytes),
    padded(Buffer.concat([Buffer.from([255]), Buffer.from('CD001'), Buffer.from([1])])),
    padded(pathTable((sector) => uint32(sector).little, Buffer.from([1, 0]))),
    padded(pathTable((sector) => uint32(sector).big, Buffer.from([0, 1]))),
    directoryOf(entries, rootBytes),
    ...sorted.map(({ content }) => padded(content)),
  ]);
}

interface DirectoryEntry {
  id: Buffer;
  sector: number;
  bytes: number;
}

function identifier(name: string): Buffer {
  const upper = name.toUpperCase();
  return Buffer.from(`${upper}${upper.includes('.') ? '' : '.'};1`, 'latin1');
}

function primaryDescriptor(label: string, sectors: number, rootBytes: number): Buffer {
  const root = { id: SELF, sector: PLACE.root, bytes: rootBytes };
  return padded(
    Buffer.concat([
      ...[Buffer.from([1]), Buffer.from('CD001'), Buffer.from([1, 0])],
      ...[text('', 32), text(label, 32), Buffer.alloc(8), both32(sectors), Buffer.alloc(32)],
      ...[both16(1), both16(1), both16(SECTOR_BYTES), both32(PATH_TABLE_BYTES)],
      ...[uint32(PLACE.littlePathTable).little, Buffer.alloc(4), uint32(PLACE.bigPathTable).big, Buffer.alloc(4)],
      record(root, DIRECTORY),
      ...[text('', 4 * 128), text('', 3 * 37)],
      ...[NO_TIME, NO_TIME, NO_TIME, NO_TIME],
      Buffer.from([1]),
    ]),
  );
}

/** The one directory is the root. */
function pathTable(numbered: (sector: number) => Buffer, parent: Buffer): Buffer {
  return Buffer.concat([Buffer.from([1, 0]), numbered(PLACE.root), parent, SELF, Buffer.alloc(1)]);
}

/** No record lies across two sectors. */
function directoryOf(entries: readonly DirectoryEntry[], ownBytes = 0): Buffer {
  const own = { sector: PLACE.root, bytes: ownBytes };
  const records = [
    ...[SELF, PARENT].map((id) => record({ id, ...own }, DIRECTORY)),
    ...entries.map((entry) => record(entry, 0)),
  ];
  let all = Buffer.alloc(0);
  for (const one of records) {
    const free = SECTOR_BYTES - (all.length % SECTOR_BYTES);
    all = Buffer.concat([all, ...(one.length > free ? [Buffer.alloc(free)] : []), one]);
  }
  return padded(all);
}

function record({ id, sector, bytes }: DirectoryEntry, flags: number): Buffer {
  const body = Buffer.concat([
    ...[Buffer.alloc(1), both32(sector), both32(bytes), MADE_AT],
    ...[Buffer.from([flags, 0, 0]), both16(1), Buffer.from([id.length]), id],
    Buffer.alloc(id.length % 2 === 0 ? 1 : 0),
  ]);
  return Buffer.concat([Buffer.from([body.length + 1]), body]);
}

function uint32(value: number): { little: Buffer; big: Buffer } {
  const [little, big] = [Buffer.alloc(4), Buffer.alloc(4)];
  little.writeUInt32LE(value);
  big.writeUInt32BE(value);
  return { little, big };
}

/** Numbers are there in both manifests of bytes. */
function both32(value: number): Buffer {
  const { little, big } = uint32(value);
  return Buffer.concat([little, big]);
}

function both16(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(value, 0);
  bytes.writeUInt16BE(value, 2);
  return bytes;
}

function text(value: string, length: number): Buffer {
  return Buffer.from(value.padEnd(length), 'latin1');
}

function padded(bytes: Uint8Array): Buffer {
  const rest = bytes.length % SECTOR_BYTES;
  return Buffer.concat([bytes, Buffer.alloc(rest === 0 ? 0 : SECTOR_BYTES - rest)]);
}
