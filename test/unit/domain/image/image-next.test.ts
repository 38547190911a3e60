import { describe, expect, it } from 'vitest';
import { IMAGE_EVENT_KINDS, type ImageFamilyEvent } from '../../../../domain/image/events.ts';
import { imageFailureOf, imageIdsOf, isImageRecord } from '../../../../domain/image/messages.ts';
import { isOver, next } from '../../../../domain/image/next.ts';
import {
  FAILURES_KEPT,
  SEALED_KEPT,
  newFamily,
  newestReady,
  type ImageFamily,
  type ImageRecord,
} from '../../../../domain/image/state.ts';
import { imageFamilyDetails, imageFamilyView } from '../../../../domain/image/view.ts';
import { specOf } from '../../../../test-support/vm/vm-life.ts';

const record = (imageId: string, more: Partial<ImageRecord> = {}): ImageRecord => ({
  ...{
    imageId,
    machineId: `m-${imageId}`,
    origin: 'close',
    name: null,
    vm: 'lobby',
    provider: 'local',
    host: 'rack-1',
  },
  ...{ queue: 'q', sizeBytes: 7, createdAt: 1000, spec: specOf(), sealed: null, signature: 's', requestHash: null },
  ...{ createdBy: 'key-1' },
  ...more,
});
const failure = { imageId: 'f', origin: 'close', vm: 'lobby', detail: 'diskFull: no room' } as const;
const begun = (): ImageFamily => newFamily({ project: 'default', family: 'lobby', at: 0 });
type Happened<Event> = Event extends unknown ? Omit<Event, 'at'> : never;
const after = (events: readonly Happened<ImageFamilyEvent>[], family = begun()): ImageFamily =>
  events.reduce((now, event, index) => next(now, { ...event, at: index + 1 }), family);
const kept = (imageId: string, more: Partial<ImageRecord> = {}) =>
  ({ kind: 'kept', image: record(imageId, more) }) as const;
const states = ({ images }: ImageFamily): string[] => images.map(({ imageId, state }) => `${imageId} ${state}`);

/** Each situation an image can be in, by the events that lead there. */
const SITUATIONS = {
  unknown: begun,
  begun: () => after([{ kind: 'begun', beginning }]),
  ready: () => after([kept('a')]),
  dirty: () => after([kept('a'), kept('b')]),
  failed: () => after([{ kind: 'failed', failure: { ...failure, imageId: 'a' } }]),
  held: () => after([kept('a'), { kind: 'taken', imageId: 'a', token: 't' }]),
  leaving: () => after([kept('a'), { kind: 'removalRequested', imageIds: ['a'] }]),
  deleting: () => after([kept('a'), { kind: 'deleteRequested', imageIds: ['a'] }]),
} as const;

const POLICY = { dirtySeconds: 0, retentionSeconds: null, orphanSeconds: 0 };
const beginning = { imageId: 'a', machineId: 'm-a', vm: 'lobby', provider: 'local', queue: 'q' };
const EVENTS: Record<Cell, ImageFamilyEvent> = {
  begun: { kind: 'begun', at: 9, beginning },
  discarded: { kind: 'discarded', at: 9, imageId: 'a' },
  kept: { kind: 'kept', at: 9, image: record('a') },
  failed: { kind: 'failed', at: 9, failure: { ...failure, imageId: 'a' } },
  deleteRequested: { kind: 'deleteRequested', at: 9, imageIds: ['a'] },
  removalRequested: { kind: 'removalRequested', at: 9, imageIds: ['a'] },
  swept: { kind: 'swept', at: 9, policy: POLICY },
  foundFree: { kind: 'lookedAt', at: 9, imageId: 'a', use: 'free' },
  foundUsed: { kind: 'lookedAt', at: 9, imageId: 'a', use: 'started' },
  taken: { kind: 'taken', at: 9, imageId: 'a', token: 't2' },
  released: { kind: 'released', at: 9, token: 't' },
  deleted: { kind: 'deleted', at: 9, imageId: 'a' },
};
type Cell = Exclude<ImageFamilyEvent['kind'], 'lookedAt'> | 'foundFree' | 'foundUsed';

/** What image `a` is after the event; `·`: the family is the very same. */
const TABLE: Record<keyof typeof SITUATIONS, Record<Cell, string>> = {
  unknown: cells({ begun: 'gone begun', kept: 'ready', failed: 'failed' }),
  begun: cells({ discarded: 'gone', kept: 'ready', failed: 'failed', swept: 'gone begun' }),
  ready: cells({
    ...{ failed: 'ready', deleteRequested: 'deleting', removalRequested: 'ready leaving', taken: 'ready held' },
    deleted: 'gone',
  }),
  dirty: cells({
    ...{ failed: 'dirty', deleteRequested: 'deleting', removalRequested: 'dirty leaving', swept: 'dirty leaving' },
    ...{ taken: 'dirty held', deleted: 'gone' },
  }),
  failed: cells({
    begun: 'failed begun',
    kept: 'ready',
    failed: 'failed',
    deleteRequested: 'gone',
    removalRequested: 'gone',
  }),
  held: cells({
    ...{ failed: 'ready held', deleteRequested: 'deleting held', taken: 'ready held', released: 'ready' },
    deleted: 'gone',
  }),
  leaving: cells({
    ...{ failed: 'ready leaving', deleteRequested: 'deleting leaving', foundFree: 'deleting leaving' },
    ...{ foundUsed: 'ready', deleted: 'gone' },
  }),
  deleting: cells({ failed: 'deleting', deleted: 'gone' }),
};

function cells(changes: Partial<Record<Cell, string>>): Record<Cell, string> {
  const none = Object.fromEntries(Object.keys(EVENTS).map((kind) => [kind, '·'])) as Record<Cell, string>;
  return { ...none, ...changes };
}

function shownOf(family: ImageFamily): string {
  const { leaving, holds } = family.images.find(({ imageId }) => imageId === 'a') ?? {};
  const state = imageFamilyView(family).images.find(({ imageId }) => imageId === 'a')?.state ?? 'gone';
  const isBegun = family.making?.some(({ imageId }) => imageId === 'a');
  return [state, ...(isBegun ? ['begun'] : []), ...(leaving ? ['leaving'] : []), ...(holds ? ['held'] : [])].join(' ');
}

describe('every event for an image in every state', () => {
  for (const [situation, row] of Object.entries(TABLE)) {
    it.each(Object.keys(EVENTS) as Cell[])(`%s while ${situation}`, (cell) => {
      const before = SITUATIONS[situation as keyof typeof SITUATIONS]();
      const now = next(before, EVENTS[cell]);
      if (row[cell] === '·') expect(now).toBe(before);
      else expect(shownOf(now)).toBe(row[cell]);
    });
  }

  it('are all of them', () => {
    expect(new Set(Object.values(EVENTS).map(({ kind }) => kind))).toEqual(new Set(IMAGE_EVENT_KINDS));
  });
});

describe('a family of images', () => {
  it('has one image that is ready for each name that was closed: a second close makes the first one dirty', () => {
    const family = after([kept('a'), kept('b')]);
    expect(states(family)).toEqual(['a dirty', 'b ready']);
    expect(family.session).toEqual({ name: 'lobby', closedAt: 2 });
    expect(imageFamilyView(family).session).toMatchObject({ image: 'b' });
    expect(family.images.map(({ name }) => name)).toEqual(['lobby-1', 'lobby-2']);
  });

  it('keeps snapshots beside it, and starts from the newest image of all', () => {
    const family = after([kept('a'), kept('s', { origin: 'snapshot', name: 'gold' }), kept('b')]);
    expect(states(family)).toEqual(['a dirty', 's ready', 'b ready']);
    const onlySnapshots = after([kept('s', { origin: 'snapshot' })]);
    expect(onlySnapshots.session).toBeNull();
    expect(newestReady(after([kept('a'), kept('s', { origin: 'snapshot' })]).images, 'lobby')?.imageId).toBe('s');
  });

  it('keeps what was sealed with the newest images that a reopen may begin with, and with no dirty one', () => {
    const sealed = { sealed: 'text', spec: specOf({ userData: '#!/bin/sh' }) };
    const family = after([
      ...['a', 'b'].map((id) => kept(id, sealed)),
      ...Array.from({ length: SEALED_KEPT }, (_, at) => kept(`s${at}`, { ...sealed, origin: 'snapshot' })),
      kept('plain', { origin: 'snapshot' }),
    ]);
    const [dirty, old, ...newest] = family.images;
    expect([dirty, old]).toMatchObject([
      { state: 'dirty', sealed: null, signature: null },
      { state: 'ready', sealed: null, signature: null },
    ]);
    expect(dirty?.spec).toEqual(specOf());
    expect(newest).toHaveLength(SEALED_KEPT + 1);
    expect(newest.every(({ signature }) => signature === 's')).toBe(true);
    expect(newest.filter(({ sealed: text }) => text === 'text')).toHaveLength(SEALED_KEPT);
  });

  it('is reopened from an image of its own alone, whatever of other VMs is in its family', () => {
    const family = after([kept('a'), kept('s', { origin: 'snapshot', vm: 'other' })]);
    expect(imageFamilyView(family).session).toMatchObject({ name: 'lobby', image: 'a' });
    expect(newestReady(family.images, 'lobby')?.imageId).toBe('a');
    expect(next(family, { kind: 'deleted', at: 9, imageId: 'a' }).session).toBeNull();
  });

  it('keeps the last good image when a later close fails, and says why until one succeeds', () => {
    const family = after([kept('a'), { kind: 'failed', failure }]);
    expect(states(family)).toEqual(['a ready']);
    expect(imageFamilyView(family)).toMatchObject({
      session: { image: 'a' },
      images: [{ state: 'ready' }, { imageId: 'f', name: 'f', state: 'failed', detail: 'diskFull: no room' }],
    });
    expect(next(family, { kind: 'kept', at: 9, image: record('b') }).failures).toEqual([]);
  });

  it('gives an image whose name is taken another one, and never gives the image up', () => {
    const family = after([kept('a', { name: 'gold' }), kept('b', { name: 'gold' })]);
    expect(family.images.map(({ name }) => name)).toEqual(['gold', 'gold-2']);
  });

  it('is over when nothing is left of it, and not before anything was there', () => {
    expect(isOver(begun())).toBe(false);
    const emptied = after([kept('a'), { kind: 'deleteRequested', imageIds: ['a'] }, { kind: 'deleted', imageId: 'a' }]);
    expect([isOver(emptied), emptied.session]).toEqual([true, null]);
    expect(isOver(after([{ kind: 'failed', failure }]))).toBe(false);
  });

  it('keeps a few failures, the newest', () => {
    const many = Array.from({ length: FAILURES_KEPT + 2 }, (_, at) => ({
      kind: 'failed' as const,
      failure: { ...failure, imageId: `f${at}` },
    }));
    expect(after(many).failures.map(({ imageId }) => imageId)).toEqual(['f2', 'f3', 'f4', 'f5', 'f6']);
  });

  it('shows neither specs nor what was sealed', () => {
    const view = imageFamilyView(after([kept('a', { sealed: 'v2.secret' })]));
    expect(JSON.stringify(view)).not.toMatch(/v2\.secret|signature|spec/);
    expect(imageFamilyDetails(view)).toContain('lobby-1');
  });
});

describe('a message to a family', () => {
  it('is looked at before it counts', () => {
    expect(isImageRecord(record('a'))).toBe(true);
    for (const wrong of [null, {}, record(''), { ...record('a'), sizeBytes: 'big' }, { ...record('a'), spec: null }]) {
      expect(isImageRecord(wrong)).toBe(false);
    }
    // A time that is none cannot be shown, and a family that cannot show itself serves nobody any more.
    for (const createdAt of [1e300, -1e300, 'now']) expect(isImageRecord({ ...record('a'), createdAt })).toBe(false);
    expect(imageFailureOf({ ...failure, detail: 'x'.repeat(900) })?.detail).toHaveLength(500);
    expect([imageFailureOf(7), imageFailureOf({ ...failure, origin: 'theft' })]).toEqual([undefined, undefined]);
    expect([imageIdsOf({ imageIds: ['a'] }), imageIdsOf({ imageIds: [1] }), imageIdsOf(null)]).toEqual([
      ['a'],
      undefined,
      undefined,
    ]);
  });
});
