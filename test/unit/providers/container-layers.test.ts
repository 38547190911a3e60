/** What the layers of a container image leave, by the rules of the OCI image specification. */
import { describe, expect, it } from 'vitest';
import { archiveOf } from '../../../providers/qemu/image/container/image-archive.ts';
import { LayeredTree } from '../../../providers/qemu/image/container/layered-tree.ts';
import { readTar } from '../../../providers/qemu/image/container/tar-reader.ts';
import { directory, layerOf, type LayerFile } from '../../../test-support/machines/container-archive.ts';

/** The files that these layers leave, read back from the archive that is made of them: `path: content`, `path -> target`. */
async function filesOf(...layers: LayerFile[][]): Promise<string[]> {
  const tars = layers.map(layerOf);
  const tree = new LayeredTree();
  for (const [layer, tar] of tars.entries()) {
    tree.beginLayer(layer);
    let place = 0;
    for await (const entry of readTar(inPieces(tar), `layer ${layer}`)) tree.apply(entry, place++);
  }
  const pieces: Buffer[] = [];
  const { bytes } = archiveOf(
    tree,
    tars.map((tar) => () => inPieces(tar)),
  );
  for await (const piece of bytes) pieces.push(piece);
  const files: string[] = [];
  for await (const { name, type, target, content } of readTar(inPieces(Buffer.concat(pieces)), 'the archive')) {
    const parts: Buffer[] = [];
    for await (const part of content()) parts.push(part);
    if (type === 'directory') files.push(`${name}/`);
    else if (type === 'file') files.push(`${name}: ${Buffer.concat(parts).toString()}`);
    else files.push(`${name} ${type === 'link' ? '=' : '->'} ${target}`);
  }
  return files;
}

// eslint-disable-next-line @typescript-eslint/require-await -- as streams come: in pieces that end anywhere
async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
}

const file = (name: string, content: string): LayerFile => ({ name, content });
const link = (name: string, target: string): LayerFile => ({ name, type: 'link', target });
const symlink = (name: string, target: string): LayerFile => ({ name, type: 'symlink', target });

describe('the layers of a container image', () => {
  it('go over each other: a later file takes the place of an earlier one', async () => {
    expect(await filesOf([file('a', '1'), file('b', '1')], [file('a', '2')])).toEqual(['a: 2', 'b: 1']);
  });

  it('hide by a whiteout a file and a whole directory of layers below', async () => {
    const below = [file('a', '1'), directory('d'), file('d/x', '1'), file('d/sub/y', '1'), file('kept', '1')];
    expect(await filesOf(below, [file('.wh.a', ''), file('.wh.d', '')])).toEqual(['kept: 1']);
  });

  it('hide nothing of their own layer, whatever stands first', async () => {
    const below = [directory('d'), file('d/old', '1'), file('a', '1')];
    const after = [file('d/new', '2'), file('d/.wh..wh..opq', ''), file('a', '2'), file('.wh.a', '')];
    expect(await filesOf(below, after)).toEqual(['d/', 'd/new: 2', 'a: 2']);
    expect(await filesOf(below, [...after].reverse())).toEqual(['d/', 'a: 2', 'd/new: 2']);
  });

  it('keep what a directory gets in the layer that hides it, and nothing from below', async () => {
    const below = [directory('d'), file('d/sub/old', '1')];
    expect(await filesOf(below, [directory('d'), file('d/sub/new', '2'), file('.wh.d', '')])).toEqual([
      'd/',
      'd/sub/',
      'd/sub/new: 2',
    ]);
  });

  it('leave a hard link its content when its target is hidden, in a later layer or in its own', async () => {
    const below = [file('a', '1'), link('b', 'a')];
    expect(await filesOf(below, [file('.wh.a', '')])).toEqual(['b: 1']);
    expect(await filesOf([file('a', '1')], [file('.wh.a', ''), link('b', 'a')])).toEqual(['b: 1']);
  });

  it('link files of other layers, each written once with its names behind it', async () => {
    const below = [file('a', '1'), file('c', '3')];
    expect(await filesOf(below, [link('d/b', './a'), file('c', '4')])).toEqual(['d/', 'a: 1', 'd/b = a', 'c: 4']);
  });

  it('write through a symbolic link to a directory, and never out of the image', async () => {
    const below = [
      directory('usr/lib'),
      symlink('lib', 'usr/lib'),
      symlink('out', '../../../up'),
      symlink('abs', '/usr'),
    ];
    expect(await filesOf(below, [file('lib/x', '1'), file('out/y', '2'), file('abs/z', '3')])).toEqual(
      [
        'abs -> /usr',
        'lib -> usr/lib',
        'out -> ../../../up',
        'up/',
        'usr/',
        'usr/lib/',
        'lib/x: 1',
        'up/y: 2',
        'usr/z: 3',
      ].map((one) => one.replace('lib/x', 'usr/lib/x')),
    );
  });

  it('take an absolute path as one of the image', async () => {
    expect(await filesOf([file('/etc/passwd', 'of the image')])).toEqual(['etc/', 'etc/passwd: of the image']);
  });

  it('turn directories into files and links into directories', async () => {
    const below = [directory('d'), file('d/x', '1'), symlink('l', 'd'), file('f', '1')];
    const above = [file('d', '2'), directory('l'), file('l/y', '2'), file('f/z', '2')];
    expect(await filesOf(below, above)).toEqual(['f/', 'l/', 'd: 2', 'l/y: 2', 'f/z: 2']);
  });

  it('pass over what AUFS keeps for itself', async () => {
    expect(await filesOf([file('plnk', '1')], [file('.wh..wh.plnk', ''), file('.wh..wh.aufs', '')])).toEqual([
      'plnk: 1',
    ]);
  });

  it('keep owners, modes, attributes, long names and names of any bytes', async () => {
    const name = `${'directory/'.repeat(20)}\xff\xfe`;
    const xattrs = new Map([['security.capability', Buffer.from([1, 0, 10, 61, 255])]]);
    const tar = layerOf([{ name, content: 'x', mode: 0o4751, uid: 3_000_000, gid: 70, xattrs }]);
    const tree = new LayeredTree();
    for await (const entry of readTar(inPieces(tar), 'the layer')) tree.apply(entry, 0);
    expect(tree.find(name)).toMatchObject({ mode: 0o4751, uid: 3_000_000, gid: 70, xattrs });
  });

  it.each([
    ['up and out', '../outside'],
    ['up and out in the middle', 'a/../../outside'],
  ])('are refused with a path %s', async (_what, name) => {
    await expect(filesOf([file(name, '1')])).rejects.toMatchObject({ code: 'imageRefused' });
    await expect(filesOf([file('a', '1'), link('b', name)])).rejects.toMatchObject({ code: 'imageRefused' });
  });

  it('are refused with a link to nothing, and with links that lead round', async () => {
    await expect(filesOf([link('b', 'a')])).rejects.toMatchObject({ code: 'imageDamaged' });
    const round = [symlink('a', 'b'), symlink('b', 'a'), file('a/x', '1')];
    await expect(filesOf(round)).rejects.toMatchObject({ code: 'imageDamaged' });
  });

  it('are refused with a name that Linux does not take', async () => {
    await expect(filesOf([file('x'.repeat(256), '1')])).rejects.toMatchObject({ code: 'imageRefused' });
    await expect(filesOf([symlink('x', 'y'.repeat(5000))])).rejects.toMatchObject({ code: 'imageRefused' });
  });

  it('are damaged where a header is broken, or they end in the middle of a file', async () => {
    const tar = layerOf([file('a', 'x'.repeat(2000))]);
    const read = async (bytes: Buffer): Promise<void> => {
      for await (const entry of readTar(inPieces(bytes), 'the layer')) expect(entry.name).toBe('a');
    };
    await expect(read(tar.subarray(0, 1500))).rejects.toMatchObject({ code: 'imageDamaged' });
    const broken = Buffer.from(tar);
    broken[0] = 0x62;
    await expect(read(broken)).rejects.toMatchObject({ code: 'imageDamaged' });
  });
});
