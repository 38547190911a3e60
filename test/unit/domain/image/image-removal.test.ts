import { describe, expect, it } from 'vitest';
import { isOver, next } from '../../../../domain/image/next.ts';
import { imageToTake } from '../../../../domain/image/removal.ts';
import {
  expiriesOf,
  expiryTimesOf,
  hasSomethingDue,
  imagePolicyOf,
  type ImagePolicy,
} from '../../../../domain/image/retention.ts';
import { HOLD_SECONDS, newFamily, type ImageFamily, type ImageRecord } from '../../../../domain/image/state.ts';
import { imageFamilyView } from '../../../../domain/image/view.ts';
import { specOf } from '../../../../test-support/vm/vm-life.ts';

const SECOND = 1000;
const DAY: ImagePolicy = { dirtySeconds: 100, retentionSeconds: null, orphanSeconds: 60 };
const SHORT: ImagePolicy = { dirtySeconds: 100, retentionSeconds: 50, orphanSeconds: 60 };

const image = (imageId: string, createdAt: number, more: Partial<ImageRecord> = {}): ImageRecord => ({
  ...{ imageId, machineId: `m-${imageId}`, origin: 'close', name: null, vm: 'lobby', provider: 'local', host: null },
  ...{ queue: 'q', sizeBytes: 7, createdAt, spec: specOf(), sealed: null, signature: 's', requestHash: null },
  createdBy: null,
  ...more,
});
/** Each image is kept in the very second in which it was made. */
const familyOf = (...images: ImageRecord[]): ImageFamily =>
  images.reduce(
    (family, one) => next(family, { kind: 'kept', at: one.createdAt, image: one }),
    newFamily({ project: 'default', family: 'lobby', at: 0 }),
  );
const expiries = (family: ImageFamily, policy: ImagePolicy) =>
  expiriesOf(imageFamilyView(family), policy).map(({ imageId, at, cause }) => [imageId, at / SECOND, cause]);
const leaving = ({ images }: ImageFamily): string[] =>
  images.flatMap((one) => (one.leaving === undefined ? [] : [`${one.imageId} ${one.leaving}`]));
const snapshot = (imageId: string, createdAt: number, vm = 'lobby') =>
  image(imageId, createdAt, { origin: 'snapshot', vm });

describe('an image goes by itself', () => {
  it('a while after a later close took its place', () => {
    const family = familyOf(image('a', SECOND), image('b', 10 * SECOND));
    expect(expiries(family, DAY)).toEqual([['a', 110, 'dirty']]);
  });

  it('past its retention, whichever comes first', () => {
    const family = familyOf(image('a', SECOND), snapshot('s', 2 * SECOND), image('b', 10 * SECOND));
    expect(expiries(family, SHORT)).toEqual([
      ['a', 51, 'retention'],
      ['s', 52, 'retention'],
    ]);
  });

  it('never where it is the last one of its family, or the one that its session is reopened from', () => {
    expect(expiries(familyOf(image('a', SECOND)), SHORT)).toEqual([]);
    expect(expiries(familyOf(snapshot('s1', SECOND), snapshot('s2', 2 * SECOND, 'other')), SHORT)).toEqual([
      ['s1', 51, 'retention'],
    ]);
    // The snapshot of another VM is newer than the image of the session.
    const family = familyOf(image('a', SECOND), snapshot('s', 2 * SECOND, 'other'));
    expect(expiries(family, SHORT)).toEqual([]);
  });

  it('never where none is ready any more and it is the newest that is left', () => {
    const family = familyOf(image('a', SECOND), image('b', 2 * SECOND), image('c', 3 * SECOND));
    const left = next(family, { kind: 'deleted', at: 9 * SECOND, imageId: 'c' });
    expect(expiries(left, DAY)).toEqual([['a', 102, 'dirty']]);
  });

  it('at a time that can be shown, whatever its maker said of its age', () => {
    const family = familyOf(snapshot('s', 8.64e15), snapshot('t', SECOND));
    expect(expiryTimesOf(imageFamilyView(family), SHORT).get('s')).toBe('+275760-09-13T00:00:00.000Z');
  });
});

describe('a sweep of a family', () => {
  const family = familyOf(image('a', SECOND), image('b', 2 * SECOND), image('c', 30 * SECOND));

  it('has those go that are due, and nothing a second before', () => {
    expect(next(family, { kind: 'swept', at: 101_999, policy: DAY })).toBe(family);
    expect(leaving(next(family, { kind: 'swept', at: 102_000, policy: DAY }))).toEqual(['a dirty']);
    expect(leaving(next(family, { kind: 'swept', at: 130_000, policy: DAY }))).toEqual(['a dirty', 'b dirty']);
  });

  it('leaves the last one, also when somebody deletes the newer one at the same moment', () => {
    const going = next(family, { kind: 'removalRequested', at: 200_000, imageIds: ['c'] });
    expect(leaving(next(going, { kind: 'swept', at: 200_000, policy: DAY }))).toEqual(['a dirty', 'c requested']);
  });

  it('does not have one go that a start holds, until that start is there or never came', () => {
    const held = next(family, { kind: 'taken', at: 129_000, imageId: 'a', token: 't' });
    expect(leaving(next(held, { kind: 'swept', at: 130_000, policy: DAY }))).toEqual(['b dirty']);
    const freed = next(held, { kind: 'released', at: 130_000, token: 't' });
    expect(leaving(next(freed, { kind: 'swept', at: 130_000, policy: DAY }))).toEqual(['a dirty', 'b dirty']);
    const later = 129_000 + HOLD_SECONDS * SECOND;
    expect(leaving(next(held, { kind: 'swept', at: later, policy: DAY }))).toEqual(['a dirty', 'b dirty']);
  });
});

describe('a start', () => {
  it('takes the newest image of its own, and none that is to go', () => {
    const family = familyOf(snapshot('s', SECOND), image('a', 2 * SECOND), snapshot('o', 3 * SECOND, 'other'));
    expect(imageToTake(family, 'lobby')?.imageId).toBe('a');
    const going = next(family, { kind: 'removalRequested', at: 9, imageIds: ['a'] });
    expect(imageToTake(going, 'lobby')?.imageId).toBe('s');
    const used = next(going, { kind: 'lookedAt', at: 9, imageId: 'a', use: 'started' });
    expect(imageToTake(used, 'lobby')?.imageId).toBe('a');
  });

  it('of two that hold an image, the one that is given up does not free it for a delete', () => {
    const both = ['t1', 't2'].reduce(
      (family, token) => next(family, { kind: 'taken', at: 9, imageId: 'a', token }),
      familyOf(image('a', 1)),
    );
    const one = next(both, { kind: 'released', at: 10, token: 't2' });
    expect(next(one, { kind: 'removalRequested', at: 11, imageIds: ['a'] })).toBe(one);
  });
});

describe('an image that was begun', () => {
  const beginning = { imageId: 'a', machineId: 'm-a', vm: 'lobby', provider: 'local', queue: 'q' };
  const begun = (): ImageFamily =>
    next(newFamily({ project: 'default', family: 'lobby', at: 0 }), { kind: 'begun', at: SECOND, beginning });
  const failed = (more: { left?: true } = {}) =>
    ({
      kind: 'failed',
      at: 2 * SECOND,
      failure: { imageId: 'a', origin: 'close', vm: 'lobby', detail: '', ...more },
    }) as const;
  const swept = (family: ImageFamily, seconds: number): ImageFamily =>
    next(family, { kind: 'swept', at: seconds * SECOND, policy: DAY });
  const remembered = ({ making = [] }: ImageFamily): string[] =>
    making.map(({ imageId, leaving: goes }) => `${imageId}${goes ? ' goes' : ''}`);

  it('is forgotten once it is kept, or failed and left nothing, and not where something may be left', () => {
    expect(remembered(begun())).toEqual(['a']);
    expect(next(begun(), { kind: 'begun', at: 9, beginning })).toEqual(begun());
    expect(remembered(next(begun(), { kind: 'kept', at: 9, image: image('a', SECOND) }))).toEqual([]);
    expect(remembered(next(begun(), failed()))).toEqual([]);
    expect(remembered(next(begun(), failed({ left: true })))).toEqual(['a']);
  });

  it('is looked at when nobody said more of it for a while, and goes where its VM is not about it', () => {
    expect(swept(begun(), 60)).toEqual(begun());
    const due = swept(begun(), 61);
    expect(remembered(due)).toEqual(['a goes']);
    expect(remembered(next(due, { kind: 'lookedAt', at: 70_000, imageId: 'a', use: 'making' }))).toEqual(['a']);
    const free = next(due, { kind: 'lookedAt', at: 70_000, imageId: 'a', use: 'free' });
    expect(remembered(free)).toEqual(['a goes']);
    const gone = next(free, { kind: 'discarded', at: 71_000, imageId: 'a' });
    expect([remembered(gone), isOver(gone), isOver(due)]).toEqual([[], true, false]);
  });

  it('makes its family one that has something to be done, and no other', () => {
    const due = (family: ImageFamily, seconds: number) =>
      hasSomethingDue(imageFamilyView(family), DAY, seconds * SECOND);
    expect([due(begun(), 60), due(begun(), 61)]).toEqual([false, true]);
    const twice = familyOf(image('a', SECOND), image('b', 2 * SECOND));
    expect([due(twice, 101), due(twice, 102)]).toEqual([false, true]);
  });
});

it('a policy of a message is looked at before it counts', () => {
  expect(imagePolicyOf({ ...DAY, more: 'of a later version' })).toEqual(DAY);
  for (const wrong of [
    null,
    {},
    { dirtySeconds: -1, retentionSeconds: null, orphanSeconds: 60 },
    { dirtySeconds: 1, retentionSeconds: null, orphanSeconds: '60' },
    { dirtySeconds: 1 },
    { dirtySeconds: 1.5, retentionSeconds: 1, orphanSeconds: 1 },
  ])
    expect(imagePolicyOf(wrong)).toBeUndefined();
});
