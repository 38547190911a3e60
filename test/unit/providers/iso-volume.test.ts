import { describe, expect, it } from 'vitest';
import { isoVolume, type VolumeFile } from '../../../providers/qemu/image/iso-volume.ts';

const SECTOR = 2048;

describe('a volume for guests', () => {
  it('gives every file back, however many there are and whatever their size', () => {
    const files = Array.from({ length: 120 }, (_, index) => file(`file-${index}.txt`, index * 37));
    const read = readVolume(isoVolume('cidata', files));
    expect(read.label).toBe('cidata');
    expect(Object.keys(read.files).sort()).toEqual(files.map(({ name }) => name).sort());
    for (const { name, content } of files) expect(read.files[name]).toEqual(Buffer.from(content));
  });

  it('keeps names without and with several dots, as Linux shows them', () => {
    const names = ['meta-data', 'libstdc++.so.6', 'ld.so', 'vm-server.cjs'];
    const read = readVolume(
      isoVolume(
        'ephemera',
        names.map((name) => file(name, 10)),
      ),
    );
    expect(Object.keys(read.files).sort()).toEqual([...names].sort());
  });

  it('is the same for the same files in another order, and says how long it is', () => {
    const [one, two] = [file('a', 5000), file('b', 0)];
    const volume = isoVolume('x', [one, two]);
    expect(isoVolume('x', [two, one])).toEqual(volume);
    expect(volume.readUInt32LE(16 * SECTOR + 80) * SECTOR).toBe(volume.length);
  });
});

function file(name: string, bytes: number): VolumeFile {
  return { name, content: Buffer.alloc(bytes, name) };
}

/** Reads as ECMA-119 says it, with Linux's way to show names. */
function readVolume(volume: Buffer): { label: string; files: Record<string, Buffer> } {
  const descriptor = volume.subarray(16 * SECTOR, 17 * SECTOR);
  expect(descriptor.toString('latin1', 0, 7)).toBe('\u0001CD001\u0001');
  const [rootSector, rootBytes] = [descriptor.readUInt32LE(158), descriptor.readUInt32LE(166)];
  expect([descriptor.readUInt32BE(162), descriptor.readUInt32BE(170)]).toEqual([rootSector, rootBytes]);
  const directory = volume.subarray(rootSector * SECTOR, rootSector * SECTOR + rootBytes);
  const files: Record<string, Buffer> = {};
  for (let at = 0; at < directory.length;) {
    const length = directory[at]!;
    if (length === 0) {
      at = (Math.floor(at / SECTOR) + 1) * SECTOR;
      continue;
    }
    const record = directory.subarray(at, at + length);
    const name = record.toString('latin1', 33, 33 + record[32]!);
    const [sector, bytes] = [record.readUInt32LE(2), record.readUInt32LE(10)];
    if ((record[25]! & 2) === 0) {
      const shown = name.replace(/\.?;1$/, '').toLowerCase();
      files[shown] = volume.subarray(sector * SECTOR, sector * SECTOR + bytes);
    }
    at += length;
  }
  return { label: descriptor.toString('latin1', 40, 72).trim(), files };
}
