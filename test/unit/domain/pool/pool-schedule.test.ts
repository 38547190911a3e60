import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lastFiring, nextFiring, parseCron } from '../../../../domain/pool/cron.ts';
import { claimFrom, nextPool, planOf } from '../../../../domain/pool/next.ts';
import { planSchedule } from '../../../../domain/pool/schedule.ts';
import { newPool, type Pool, type ScheduleEntry } from '../../../../domain/pool/state.ts';
import { poolView } from '../../../../domain/pool/view.ts';
import { isTimeZone, offsetIn } from '../../../../lib/text/time-zone.ts';
import { chatTemplateSpec } from '../../../../test-support/vm/chat-spec.ts';

const at = (text: string): number => Date.parse(text);
const iso = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString().slice(0, 16));

function next(cron: string, after: string, zone = 'UTC'): string | null {
  return iso(nextFiring(parseCron(cron)!, at(after), offsetIn(zone)));
}

describe('a cron expression', () => {
  it.each([
    ['* * * * *', '2026-11-29T10:00:30Z', '2026-11-29T10:01'],
    ['0 8 * * *', '2026-11-29T08:00:00Z', '2026-11-30T08:00'],
    ['30 8,20 * * *', '2026-11-29T09:00:00Z', '2026-11-29T20:30'],
    ['*/15 9-10 * * *', '2026-11-29T09:46:00Z', '2026-11-29T10:00'],
    ['10/20 * * * *', '2026-11-29T09:11:00Z', '2026-11-29T09:30'],
    ['0 8 * * mon-fri', '2026-11-28T00:00:00Z', '2026-11-30T08:00'],
    ['0 8 * * 7', '2026-11-28T00:00:00Z', '2026-11-29T08:00'],
    ['0 0 1 jan *', '2026-11-29T00:00:00Z', '2027-01-01T00:00'],
    ['0 0 29 2 *', '2026-11-29T00:00:00Z', '2028-02-29T00:00'],
    ['0 0 29 2 *', '2096-03-01T00:00:00Z', '2104-02-29T00:00'],
    ['0 0 31 * *', '2026-11-29T00:00:00Z', '2026-12-31T00:00'],
    // Either day is enough where both are given, as in crontab(5).
    ['0 0 13 * fri', '2026-11-29T00:00:00Z', '2026-12-04T00:00'],
    ['0 0 13 * fri', '2026-12-12T00:00:00Z', '2026-12-13T00:00'],
  ])('%s after %s fires at %s', (cron, after, wanted) => {
    expect(next(cron, after)).toBe(wanted);
  });

  it.each(['0 0 30 2 *', '0 0 31 4,6,9,11 *'])('%s never fires', (cron) => {
    expect(next(cron, '2026-11-29T00:00:00Z')).toBeNull();
    expect(lastFiring(parseCron(cron)!, at('2026-11-29T00:00:00Z'), offsetIn('UTC'))).toBeNull();
  });

  it.each([
    ['before', '0 8 * * *', '2026-11-29T12:00:00Z', '2026-11-30T07:00'],
    ['in summer', '0 8 * * *', '2026-06-29T12:00:00Z', '2026-06-30T06:00'],
    ['that the clock skips, an hour later', '30 2 * * *', '2026-03-29T00:00:00Z', '2026-03-29T01:30'],
    ['that comes before one that the clock skips', '59,0 2,3 * * *', '2026-03-29T00:00:00Z', '2026-03-29T01:00'],
    ['the day after that', '30 2 * * *', '2026-03-29T12:00:00Z', '2026-03-30T00:30'],
    ['after the clock was put back', '0 8 * * *', '2026-10-25T00:00:00Z', '2026-10-25T07:00'],
  ])('in Berlin fires at a time %s', (_when, cron, after, wanted) => {
    expect(next(cron, after, 'Europe/Berlin')).toBe(wanted);
  });

  it('fires once at a time that the clock has twice', () => {
    const first = nextFiring(parseCron('30 2 * * *')!, at('2026-10-24T12:00:00Z'), offsetIn('Europe/Berlin'))!;
    const second = nextFiring(parseCron('30 2 * * *')!, first, offsetIn('Europe/Berlin'))!;
    expect(iso(second)).toBe('2026-10-26T01:30');
  });

  it.each(['', '* * * *', '* * * * * *', '60 * * * *', '* 24 * * *', '* * 0 * *', '* * * 13 *', '* * * * 8'])(
    '"%s" is none',
    (text) => expect(parseCron(text)).toBeUndefined(),
  );
  it.each([
    '5-1 * * * *',
    '*/0 * * * *',
    'a * * * *',
    '1,,2 * * * *',
    '@daily',
    '-1 * * * *',
    '* * * mon *',
    '1- * * * *',
  ])('"%s" is none either', (text) => expect(parseCron(text)).toBeUndefined());

  it('fires last where it fires next after a moment before, whatever the expression, the time and the zone', () => {
    const part = (least: number, most: number): fc.Arbitrary<string> =>
      fc.oneof(fc.constant('*'), fc.integer({ min: least, max: most }).map(String), fc.constant(`*/${most}`));
    const crons = fc
      .tuple(part(0, 59), part(0, 23), part(1, 28), part(1, 12), part(0, 6))
      .map((parts) => parts.join(' '));
    const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe');
    const times = fc.integer({ min: at('2020-01-01T00:00:00Z'), max: at('2030-01-01T00:00:00Z') });
    fc.assert(
      fc.property(crons, zones, times, (text, zone, time) => {
        const cron = parseCron(text)!;
        const fires = nextFiring(cron, time, offsetIn(zone))!;
        expect(fires).toBeGreaterThan(time);
        expect(lastFiring(cron, fires, offsetIn(zone))).toBe(fires);
        expect(lastFiring(cron, fires - 1, offsetIn(zone))).toBeLessThanOrEqual(time);
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});

it('a time zone is one that Node knows', () => {
  expect(['UTC', 'Europe/Berlin', 'Mars/Base', ''].map(isTimeZone)).toEqual([true, true, false, false]);
  expect(() => offsetIn('Mars/Base')).toThrow(RangeError);
});

const DAY: ScheduleEntry[] = [
  { cron: '0 8 * * *', min: 10, max: 50 },
  { cron: '0 20 * * *', min: 1 },
];
const spec = chatTemplateSpec('local');

function scheduled(schedule: ScheduleEntry[] | undefined, version = 1, pool: Pool = newPool('default', 'chat')): Pool {
  const warm = { min: 2, max: 5, ttlSeconds: 60, ...(schedule === undefined ? {} : { schedule }) };
  const template = { name: 'chat', version, spec, reuse: 'none', warm, signature: 's' } as const;
  return nextPool(pool, { at: 0, kind: 'configured', template });
}

function planned(pool: Pool, now: number, version = 1): Pool {
  const { warm } = pool.template!;
  return nextPool(pool, { at: now, kind: 'planned', version, warm: warm!, plan: planSchedule(warm!, now, offsetIn) });
}

describe('the schedule of a pool', () => {
  const morning = at('2026-11-29T06:00:00Z');

  it('sets the limits of the entry that fired last, and knows the next change', () => {
    const pool = planned(scheduled(DAY), morning);
    expect(poolView(pool, morning)).toMatchObject({ min: 1, max: 5, desired: 1 });
    expect(poolView(pool, morning).nextLimits).toEqual({ at: '2026-11-29T08:00:00.000Z', min: 10, max: 50 });
    expect(planOf(pool, morning)).toMatchObject({ start: 1, wakeAt: at('2026-11-29T08:00:00Z') });
    const eight = at('2026-11-29T08:00:00Z');
    expect(poolView(pool, eight)).toMatchObject({ min: 10, max: 50, desired: 10 });
    expect(planOf(pool, eight)).toMatchObject({ start: 10, wakeAt: at('2026-11-29T20:00:00Z') });
  });

  it('has machines go when it wants fewer', () => {
    let pool = planned(scheduled(DAY), at('2026-11-29T09:00:00Z'));
    for (let one = 0; one < 10; one += 1) {
      pool = nextPool(pool, { at: 0, kind: 'started', machineId: `m-${one}`, version: 1 });
      pool = nextPool(pool, { at: at('2026-11-29T09:00:00Z'), kind: 'ready', machineId: `m-${one}` });
    }
    pool = { ...pool, machines: pool.machines.map((machine) => ({ ...machine, overdueAt: Infinity })) };
    expect(planOf(pool, at('2026-11-29T19:59:59Z')).retire).toHaveLength(0);
    expect(planOf(pool, at('2026-11-29T20:00:00Z')).retire).toHaveLength(9);
  });

  it('makes nothing and lets nothing go before it is read, and says so; claims get what waits', () => {
    let pool = nextPool(scheduled(undefined), { at: 0, kind: 'started', machineId: 'm-1', version: 1 });
    pool = nextPool(pool, { at: 0, kind: 'ready', machineId: 'm-1' });
    pool = scheduled(DAY, 1, pool);
    expect(planOf(pool, 0)).toMatchObject({ start: 0, retire: [] });
    expect(poolView(pool, 0).waitsFor).toBe('a worker that reads its schedule');
    expect(claimFrom(pool, [{ id: 'a' }], 0).granted[0]?.machineId).toBe('m-1');
  });

  it('is read anew when its template changes it, and what was read of an earlier version counts for nothing', () => {
    const first = planned(scheduled(DAY), morning);
    expect(scheduled(DAY, 2, first).plan).toBe(first.plan);
    const changed = scheduled([{ cron: '0 * * * *', min: 3 }], 2, first);
    expect(changed.plan).toBeUndefined();
    expect(planned(changed, morning, 1).plan).toBeUndefined();
    const late = planned(scheduled(DAY, 2), morning).plan!;
    const ofBefore = { at: morning, kind: 'planned', version: 2, warm: first.template!.warm!, plan: late } as const;
    expect(nextPool(changed, ofBefore).plan).toBeUndefined();
    expect(poolView(planned(changed, morning, 2), morning).min).toBe(3);
    expect(poolView(scheduled(undefined, 3, first), morning)).toMatchObject({ min: 2, max: 5 });
  });

  it('is read again before what is known of it ends, and goes by the last limits until then', () => {
    const pool = planned(
      scheduled([
        { cron: '* * * * *', min: 4 },
        { cron: '*/2 * * * *', min: 3 },
      ]),
      morning,
    );
    const { until } = pool.plan!;
    expect(until).toBeGreaterThan(morning + 60 * 60_000);
    expect(planOf(pool, until - 1).wakeAt).toBe(until);
    expect([3, 4]).toContain(poolView(pool, until + 1).min);
  });

  it('is no reason to wake up where it changes nothing, and an entry that never fires counts for nothing', () => {
    const plan = planSchedule({ min: 1, max: 5, schedule: [{ cron: '0 0 30 2 *', min: 4 }] }, morning, offsetIn);
    expect(plan.changes).toEqual([{ at: morning, min: 1, max: 5 }]);
    const same = planSchedule({ min: 1, max: 5, schedule: [{ cron: '0 * * * *', min: 2 }] }, morning, offsetIn);
    expect(same.changes).toEqual([{ at: morning, min: 2, max: 5 }]);
  });

  it('takes the last one of entries that fire together', () => {
    const schedule = [
      { cron: '0 8 * * *', min: 1 },
      { cron: '0 8 * * *', min: 3 },
    ];
    const [now, ...later] = planSchedule({ min: 0, max: 5, schedule }, morning, offsetIn).changes;
    expect([now, later]).toEqual([{ at: morning, min: 3, max: 5 }, []]);
  });
});
