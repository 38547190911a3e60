import { describe, expect, it } from 'vitest';
import { copiesOf, imageCopiesIn, parseImageName, type ImageCopy } from '../../../../domain/machine/image-copies.ts';

const SHA = 'a'.repeat(64);

function copy(overrides: Partial<ImageCopy> = {}): ImageCopy {
  return {
    ...{ provider: 'qemu', name: 'app', version: SHA.slice(0, 12), kind: 'qcow2', sha256: SHA, bytes: 7, diskGb: 2 },
    ...{ addedAt: '2026-11-29T20:00:00.000Z', origin: 'registered', machines: 0 },
    ...overrides,
  };
}

describe('the name of an image', () => {
  it.each([
    ['app', { name: 'app', pinned: null }],
    ['app@0123456789ab', { name: 'app', pinned: '0123456789ab' }],
    [`app@sha256:${SHA}`, { name: 'app', pinned: SHA }],
    [`app@${SHA}`, { name: 'app', pinned: SHA }],
  ])('%s is understood', (text, expected) => expect(parseImageName(text)).toEqual(expected));

  it.each(['', 'App', 'a/b', '../a', 'a.b', 'app@', 'app@latest', 'app@0123', `app@${SHA}@x`, 'app@sha512:00'])(
    '%j is none',
    (text) => expect(parseImageName(text)).toBeUndefined(),
  );
});

describe('of the copies of an image', () => {
  const old = copy({ addedAt: '2026-11-28T20:00:00.000Z', version: 'b'.repeat(12), sha256: 'b'.repeat(64) });

  it('the latest one is meant, unless another one is named', () => {
    const copies = [old, copy({ name: 'other' }), copy()];
    expect(copiesOf(copies, { name: 'app', pinned: null })).toEqual([copy(), old]);
    expect(copiesOf(copies, { name: 'app', pinned: 'b'.repeat(12) })).toEqual([old]);
    expect(copiesOf(copies, { name: 'app', pinned: 'b'.repeat(64) })).toEqual([old]);
    expect(copiesOf(copies, { name: 'none', pinned: null })).toEqual([]);
  });

  it('of two that were registered at once every host means the same', () => {
    const twin = copy({ version: 'c'.repeat(12) });
    const named = { name: 'app', pinned: null };
    expect(copiesOf([twin, copy()], named)).toEqual(copiesOf([copy(), twin], named));
  });
});

describe('what a host says that it has', () => {
  it.each([
    ['no list', 'app'],
    ['a name that leads elsewhere', [copy({ name: '../app' })]],
    ['a version that is none', [copy({ version: '../../../x' })]],
    ['a kind that nobody knows', [{ ...copy(), kind: 'iso' }]],
    ['a size below nothing', [copy({ bytes: -1 })]],
    ['a URL without end', [copy({ url: `https://${'x'.repeat(1000)}` })]],
  ])('counts for nothing: %s', (_what, value) => expect(imageCopiesIn(value)).toEqual([]));

  it('counts where it can be read, whatever stands beside it, and only so much of it', () => {
    expect(imageCopiesIn([null, copy({ sha256: 'x' }), copy()])).toEqual([copy()]);
    expect(imageCopiesIn(Array.from({ length: 1000 }, () => copy()))).toHaveLength(64);
  });
});
