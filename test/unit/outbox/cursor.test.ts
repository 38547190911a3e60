import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beginningNow, collected, type OutboxCursor } from '../../../domain/outbox/cursor.ts';
import type { OutboxLife } from '../../../domain/outbox/event.ts';

const START = Date.parse('2026-11-30T06:00:00Z');
const ALL = { filter: {}, most: 1000, completeUntilMs: 0 };

/** A life with events at these seconds after the start, numbered from 1; the last 20 are kept. */
function life(uid: string, seconds: readonly number[]): OutboxLife {
  const timeline = seconds.map((second, index) => ({
    ...{ number: index + 1, at: new Date(START + second * 1000).toISOString() },
    ...({ kind: 'connections', state: 'running' } as const),
  }));
  return { project: 'default', vm: uid, uid, closed: false, timeline: timeline.slice(-20) };
}

const ids = ({ items }: ReturnType<typeof collected>): string[] =>
  items.map((told) => ('event' in told ? told.event.id : `gap ${told.gap.uid} to ${told.gap.to}`));

describe('a reader of the outbox', () => {
  it('takes what happened since it began, oldest first, each once', () => {
    const first = collected([life('a', [-5, 1, 3]), life('b', [2])], beginningNow(START), ALL);
    expect(ids(first)).toEqual(['a.2', 'b.1', 'a.3']);
    const second = collected([life('a', [-5, 1, 3, 3]), life('b', [2, 4])], first.cursor, ALL);
    expect(ids(second)).toEqual(['a.4', 'b.2']);
    expect(ids(collected([life('a', [-5, 1, 3, 3]), life('b', [2, 4])], second.cursor, ALL))).toEqual([]);
  });

  it('takes a bounded part of what it missed at once, and the rest after that', () => {
    const lives = [life('a', [1, 2, 3, 4]), life('b', [1, 2, 3, 4])];
    let cursor: OutboxCursor = beginningNow(START);
    const taken: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      const part = collected(lives, cursor, { ...ALL, most: 3 });
      expect(part.items.length).toBeLessThanOrEqual(3);
      taken.push(...ids(part));
      cursor = part.cursor;
    }
    expect(taken).toEqual(['a.1', 'b.1', 'a.2', 'b.2', 'a.3', 'b.3', 'a.4', 'b.4']);
  });

  it('takes a long backlog part by part, and puts no more of it together than it takes', () => {
    let looks = 0;
    const lives = Array.from({ length: 500 }, (_, index) => {
      const one = life(
        `vm-${index}`,
        Array.from({ length: 20 }, (_, at) => 1 + index * 20 + at),
      );
      return {
        ...one,
        get vm() {
          looks += 1;
          return one.vm;
        },
      };
    });
    let cursor: OutboxCursor = beginningNow(START);
    const taken: string[] = [];
    for (let go = 0; go < 50; go += 1) {
      const part = collected(lives, cursor, { ...ALL, most: 200 });
      expect(part.items).toHaveLength(200);
      taken.push(...ids(part));
      cursor = part.cursor;
    }
    expect(taken).toEqual(lives.flatMap(({ uid }) => Array.from({ length: 20 }, (_, at) => `${uid}.${at + 1}`)));
    expect(ids(collected(lives, cursor, ALL))).toEqual([]);
    expect(looks).toBeLessThan(2 * 500 * 20);
  });

  it('hears of events that it can get no more', () => {
    const first = collected([life('a', [1, 2])], beginningNow(START), ALL);
    const many = life(
      'a',
      Array.from({ length: 30 }, (_, index) => index + 1),
    );
    expect(ids(collected([many], first.cursor, ALL))[0]).toBe('gap a to 10');
  });

  it('is told of an event that shows up late, however far others have come meanwhile', () => {
    // The search index was behind for `late`: the full list of a minute later found it.
    const first = collected([life('busy', [1, 60])], beginningNow(START), { ...ALL, completeUntilMs: START });
    const second = collected([life('busy', [1, 60, 61]), life('late', [2, 3])], first.cursor, {
      ...ALL,
      completeUntilMs: START + 60_000,
    });
    expect(ids(second)).toEqual(['late.1', 'late.2', 'busy.3']);
  });

  it('keeps the order of a VM whose clock was set back', () => {
    const lives = [life('a', [10, 20, 5, 30]), life('b', [7])];
    let cursor: OutboxCursor = beginningNow(START);
    const taken: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      const part = collected(lives, cursor, { ...ALL, most: 1 });
      taken.push(...ids(part));
      cursor = part.cursor;
    }
    expect(taken).toEqual(['b.1', 'a.1', 'a.2', 'a.3', 'a.4']);
  });

  it('keeps only what it needs: lives that are quiet drop out of its place', () => {
    const first = collected([life('a', [1])], beginningNow(START), ALL);
    expect(Object.keys(first.cursor.seen)).toEqual(['a']);
    const later = collected([life('a', [1]), life('b', [100])], first.cursor, {
      ...ALL,
      completeUntilMs: START + 90_000,
    });
    expect(Object.keys(later.cursor.seen)).toEqual(['b']);
    const quiet = collected([life('b', [100])], later.cursor, { ...ALL, completeUntilMs: START + 900_000 });
    expect(quiet.cursor).toEqual({ sinceMs: START + 870_000, seen: {} });
    expect(ids(collected([life('a', [1, 880]), life('b', [100])], quiet.cursor, ALL))).toEqual(['a.2']);
  });

  it('gets each event of each VM in its order, at replicas that are up to some seconds behind', () => {
    const steps = fc.array(fc.tuple(fc.nat(4), fc.nat(3), fc.nat(12)), { minLength: 5, maxLength: 60 });
    fc.assert(
      fc.property(steps, (happened) => {
        const seconds: number[][] = Array.from({ length: 5 }, () => []);
        const taken = new Map<string, number[]>();
        let [now, cursor] = [0, beginningNow(START)];
        const read = (behind: number): void => {
          const lives = seconds.map((all, index) =>
            life(
              `vm-${index}`,
              all.filter((second) => second <= now - behind),
            ),
          );
          const part = collected(lives, cursor, { ...ALL, most: 7 });
          cursor = part.cursor;
          for (const told of part.items) {
            if (!('event' in told)) throw new Error('a gap');
            taken.set(told.event.uid, [...(taken.get(told.event.uid) ?? []), told.event.number]);
          }
        };
        for (const [vm, pause, behind] of happened) {
          now += pause;
          seconds[vm]?.push(now);
          read(behind);
        }
        for (let rest = 0; rest < 60; rest += 1) read(0);
        seconds.forEach((all, index) => {
          expect(taken.get(`vm-${index}`) ?? []).toEqual(
            all.filter((second) => second > 0).map((_, at) => at + 1 + all.filter((second) => second === 0).length),
          );
        });
      }),
      { numRuns: 50 },
    );
  });
});
