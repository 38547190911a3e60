/** Which VMs of a template are to make room for its newer version, and when. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TemplateEvent } from '../../../../domain/template/events.ts';
import { firstWarmOf, isPutTemplate } from '../../../../domain/template/messages.ts';
import { next } from '../../../../domain/template/next.ts';
import { poolWish } from '../../../../domain/template/pool-wish.ts';
import { rollWish } from '../../../../domain/template/roll.ts';
import {
  FAILURES_TO_HOLD_BACK,
  newTemplate,
  servingVersion,
  type RollOrder,
  type Template,
  type TemplateContent,
} from '../../../../domain/template/state.ts';
import { templateView, versionContent } from '../../../../domain/template/view.ts';
import { chatTemplateSpec } from '../../../../test-support/vm/chat-spec.ts';

const AT = 1_700_000_000_000;

type Said = TemplateEvent extends infer Event ? (Event extends unknown ? Omit<Event, 'at'> : never) : never;

function put(image: string, more: Partial<TemplateContent> = {}): Said {
  const content: TemplateContent = { spec: { image }, reuse: 'none', warm: null, ...more };
  const contentHash = JSON.stringify(content);
  return { kind: 'put', putId: contentHash, createdBy: 'key-1', content, contentHash, onlySpecMakesVersion: true };
}
const rolling = (image: string, more: Partial<TemplateContent> = {}): Said => put(image, { rollIdle: true, ...more });
const works = (version: number): Said => ({ kind: 'createEnded', version, outcome: { name: 'ready' } });
const fails = (version: number): Said => ({ kind: 'createEnded', version, outcome: { name: 'failed', detail: 'no' } });
const failsThrice = (version: number): Said[] => Array.from({ length: FAILURES_TO_HOLD_BACK }, () => fails(version));
const firstWarm = (version: number): Said => ({ kind: 'firstWarm', version });
/** As its workflow does: what is wished for is begun and done. */
const told = 'told';

function lived(events: readonly (Said | typeof told)[], firstVersion = 1): Template {
  let template = newTemplate({ project: 'games', name: 'arena', firstVersion, at: AT });
  for (const [index, event] of events.entries()) {
    const at = AT + index + 1;
    if (event !== told) {
      template = next(template, { ...event, at });
      continue;
    }
    const order = rollWish(template);
    if (order === undefined) throw new Error('nothing is to be told');
    template = next(template, { kind: 'rollBegun', at, order });
    template = next(template, { kind: 'rollDone', at, revision: order.revision });
  }
  return template;
}

const wish = (...events: (Said | typeof told)[]): Pick<RollOrder, 'below' | 'reach'> | null => {
  const order = rollWish(lived(events));
  return order === undefined ? null : { below: order.below, reach: order.reach };
};

/** `below/reach` of what is to be told after these events; `·`: nothing. */
const TABLE: readonly (readonly [what: string, events: readonly (Said | typeof told)[], order: string])[] = [
  ['the first version, for there was none before', [rolling('a'), works(1)], '·'],
  ['a newer version that does not say so', [put('a'), works(1), put('b'), works(2)], '·'],
  ['one that nobody has seen ready', [put('a'), works(1), rolling('b')], '·'],
  ['one of which creates have failed', [put('a'), works(1), rolling('b'), fails(2)], '·'],
  ['one of which a create was ready', [put('a'), works(1), rolling('b'), works(2)], '2/2'],
  ['one of which a machine waits in the pool', [put('a'), works(1), rolling('b'), firstWarm(2)], '2/2'],
  ['one that is told already', [put('a'), works(1), rolling('b'), works(2), told], '·'],
  ['one of which both are seen', [put('a'), works(1), rolling('b'), firstWarm(2), told, works(2)], '·'],
  ['one that says so only later', [put('a'), works(1), put('b'), works(2), rolling('b')], '2/2'],
  ['one that does not say so any more', [put('a'), rolling('b'), works(2), told, put('b')], '0/2'],
  ['the next one on trial', [put('a'), rolling('b'), works(2), told, rolling('c')], '·'],
  ['the next one', [put('a'), rolling('b'), works(2), told, rolling('c'), works(3)], '3/3'],
  ['the next one that does not say so', [put('a'), rolling('b'), works(2), told, put('c')], '0/2'],
  ['one that is held back', [put('a'), works(1), rolling('b'), ...failsThrice(2)], '·'],
  [
    'one that is held back after machines of it waited',
    [put('a'), works(1), rolling('b'), firstWarm(2), told, ...failsThrice(2)],
    '0/2',
  ],
  [
    'one before it that serves again, and says so',
    [put('a'), rolling('b'), works(2), told, rolling('c'), firstWarm(3), told, ...failsThrice(3)],
    '2/3',
  ],
  [
    'one that is tried again after that',
    [put('a'), works(1), rolling('b'), firstWarm(2), told, ...failsThrice(2), told, rolling('b')],
    '·',
  ],
  [
    'one that waits again then',
    [put('a'), works(1), rolling('b'), firstWarm(2), told, ...failsThrice(2), told, rolling('b'), firstWarm(2)],
    '2/2',
  ],
  ['a bad one where none is good', [put('a'), rolling('b'), firstWarm(2), told, ...failsThrice(2)], '0/2'],
  ['a template that is deleted', [put('a'), rolling('b'), works(2), { kind: 'deleted' }], '·'],
  ['a version that is put after that', [put('a'), { kind: 'deleted' }, rolling('b'), works(2)], '2/2'],
];

describe('what VMs of a template are told of', () => {
  it.each(TABLE)('%s', (_, events, order) => {
    const wished = wish(...events);
    expect(wished === null ? '·' : `${wished.below}/${wished.reach}`).toBe(order);
  });

  it('is told of a version that takes the place of a built-in one too', () => {
    expect(rollWish(lived([rolling('a'), works(2)], 2))).toMatchObject({ below: 2, reach: 2 });
  });

  it('is the same order again until it is done, and the next one reaches whoever may have heard of it', () => {
    const begun = lived([put('a'), rolling('b'), firstWarm(2)]);
    const order = rollWish(begun)!;
    const half = next(begun, { kind: 'rollBegun', at: AT + 10, order });
    expect(rollWish(half)).toEqual(order);
    const held = failsThrice(2).reduce((template, event) => next(template, { ...event, at: AT + 11 }), half);
    const back = rollWish(held)!;
    expect(back).toMatchObject({ below: 0, reach: 2 });
    expect(back.revision).toBeGreaterThan(order.revision);
    expect(next(held, { kind: 'rollDone', at: AT + 12, revision: order.revision - 1 })).toBe(held);
  });

  it('is the truth in the end for each VM that ever heard anything, however often it changes meanwhile', () => {
    const event = fc.oneof(
      fc.constantFrom('a', 'b', 'c').map((image) => rolling(image)),
      fc.constantFrom('a', 'b', 'c').map((image) => put(image)),
      fc.integer({ min: 1, max: 5 }).map(works),
      fc.integer({ min: 1, max: 5 }).map(fails),
      fc.integer({ min: 1, max: 5 }).map(firstWarm),
      // So many of its VMs hear it before the worker dies; all of them: then it is done.
      fc.nat({ max: 6 }).map((hear) => ({ hear })),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let template = newTemplate({ project: 'games', name: 'arena', firstVersion: 1, at: AT });
        const vms = new Map<number, { below: number; revision: number }>();
        let at = AT;
        const carryOut = (most: number): void => {
          const order = rollWish(template);
          if (order === undefined) return;
          expect(order.below).toBeLessThanOrEqual(servingVersion(template.versions)?.version ?? 0);
          template = next(template, { kind: 'rollBegun', at, order });
          const meant = [...Array(template.nextVersion).keys()].filter((version) => version < order.reach);
          for (const version of meant.slice(0, most)) {
            if ((vms.get(version)?.revision ?? 0) < order.revision) vms.set(version, order);
          }
          if (most >= meant.length) template = next(template, { kind: 'rollDone', at, revision: order.revision });
        };
        for (const one of events) {
          at += 1;
          if ('hear' in one) carryOut(one.hear);
          else template = next(template, { ...one, at });
        }
        for (let tries = 0; tries < 3; tries += 1) carryOut(100);
        expect(rollWish(template)).toBeUndefined();
        const below = template.roll?.below ?? 0;
        for (const [version, order] of vms) expect([version, order.below]).toEqual([version, below]);
      }),
    );
  });
});

describe('a template that has idle VMs make room', () => {
  const warm = { min: 1, max: 2, ttlSeconds: 60 };
  const pool = { spec: chatTemplateSpec('local'), signature: 's-1' };

  it('makes no version of that alone, and shows it with its content', () => {
    const template = lived([put('a'), works(1), rolling('a')]);
    expect(template.versions).toMatchObject([{ version: 1, rollIdle: true, trial: { name: 'good' } }]);
    expect(templateView(template).contents).toMatchObject({ 1: { rollIdle: true } });
    expect(versionContent(template, 1)).toMatchObject({ rollIdle: true });
    const back = lived([put('a'), works(1), rolling('a'), put('a')]);
    expect(back.versions[0]).not.toHaveProperty('rollIdle');
    expect(templateView(back).contents['1']).not.toHaveProperty('rollIdle');
  });

  it('is so once a worker that knows of it takes the put that an earlier one took without', () => {
    const { content, ...rest } = rolling('b') as Extract<Said, { kind: 'put' }>;
    const known = { ...content };
    delete known.rollIdle;
    const template = lived([put('a'), works(1), { ...rest, content: known }, works(2), rolling('b')]);
    expect(template.versions.map(({ version, rollIdle }) => [version, rollIdle])).toEqual([
      [1, undefined],
      [2, true],
    ]);
    expect(rollWish(template)).toMatchObject({ below: 2 });
  });

  it('asks its pool to say when the first machine of a version waits', () => {
    expect(poolWish(lived([rolling('a', { warm, pool })]))).toMatchObject({ version: 1, rollIdle: true });
    const known = lived([put('a', { warm, pool })]);
    const once = next(known, { kind: 'poolTold', at: AT + 5, template: poolWish(known)! });
    expect(poolWish(once)).toBeUndefined();
    const more = next(once, { ...rolling('a', { warm, pool }), at: AT + 6 });
    expect(poolWish(more)).toMatchObject({ version: 1, rollIdle: true });
  });

  it('is no proof of its app, which waits for its VM: such a version can still be held back', () => {
    const template = lived([put('a'), works(1), rolling('b'), firstWarm(2), ...failsThrice(2)]);
    expect(servingVersion(template.versions)?.version).toBe(1);
  });
});

describe('what anybody with a CLI may send', () => {
  it('is a put or word of a pool only where each part is one', () => {
    const { content } = rolling('a') as Extract<Said, { kind: 'put' }>;
    const good = { content, contentHash: 'h', putId: 'p', createdBy: 'k' };
    expect(isPutTemplate(good)).toBe(true);
    expect(isPutTemplate({ ...good, content: { ...content, rollIdle: 'yes' } })).toBe(false);
    expect(firstWarmOf({ version: 3 })).toBe(3);
    for (const none of [null, 3, {}, { version: '3' }]) expect(firstWarmOf(none)).toBeUndefined();
  });
});
