import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FORWARDING,
  decideForward,
  type ForwardDecision,
  type ForwardMemory,
} from '../../../../domain/agent/report-forwarding.ts';

const SILENCE_SECONDS = 300;
const HALF_SILENCE_MS = (SILENCE_SECONDS * 1000) / 2;

/** The state as an agent carries it from replica to replica. */
type Carried = Omit<ForwardMemory, 'forwardedAt'> & { ageMs: number };

interface Said {
  now: number;
  connections: number;
  /** Changed just now by default. */
  changedAt?: number;
  sequence?: number;
  confirming?: boolean;
}

/** A forwarder that remembers what it forwarded, like a host worker. */
class Forwarder {
  memory: ForwardMemory | null = null;
  sequence = 0;
  forwards: [number, string, number][] = [];

  hears({ now, connections, changedAt = now, sequence, confirming = false }: Said): ForwardDecision {
    this.sequence = sequence ?? this.sequence + 1;
    const decision = decideForward({
      memory: this.memory,
      report: { sequence: this.sequence, connections },
      changedAt,
      now,
      silenceTimeoutSeconds: SILENCE_SECONDS,
      confirming,
    });
    if (decision.action === 'forward') {
      this.memory = decision.memory;
      this.forwards.push([now, decision.why, connections]);
    }
    return decision;
  }
}

/** One that forwarded a first report of this count at time 0, with a full bucket by default. */
function forwarder(connections: number, tokens: number = FORWARDING.bucketSize): Forwarder {
  const one = new Forwarder();
  one.hears({ now: 0, connections });
  one.memory = { ...one.memory!, tokens };
  one.forwards = [];
  return one;
}

describe('a report', () => {
  it('is forwarded at once when it is the first', () => {
    expect(new Forwarder().hears({ now: 5, connections: 0 })).toEqual({
      action: 'forward',
      why: 'first',
      memory: {
        sequence: 1,
        connections: 0,
        forwardedAt: 5,
        tokens: FORWARDING.bucketSize,
        edgeTokens: FORWARDING.edgeBucketSize,
      },
    });
  });

  it.each([
    ['somebody is the first to come', 0, 1],
    ['the last one leaves', 3, 0],
  ])('is forwarded at once when %s, even from an empty bucket', (_what, before, after) => {
    expect(forwarder(before, 0).hears({ now: 1, connections: after })).toMatchObject({
      action: 'forward',
      why: 'edge',
    });
  });

  it('of another count waits for a second of calm', () => {
    const one = forwarder(1);
    expect(one.hears({ now: 10, connections: 2 })).toEqual({ action: 'wait', at: 1010 });
    expect(one.hears({ now: 900, connections: 3 })).toEqual({ action: 'wait', at: 1900 });
    expect(one.hears({ now: 1900, connections: 3, changedAt: 900 })).toMatchObject({ why: 'change' });
  });

  it('of the same count waits for half the silence time-out', () => {
    const one = forwarder(1);
    expect(one.hears({ now: 5000, connections: 1 })).toEqual({ action: 'wait', at: HALF_SILENCE_MS });
    expect(one.hears({ now: HALF_SILENCE_MS, connections: 1 })).toMatchObject({ action: 'forward', why: 'alive' });
  });

  it('that somebody came is forwarded at once even by a forwarder that spent everything', () => {
    const one = forwarder(0, 0);
    one.memory = { ...one.memory!, edgeTokens: 0 };
    expect(one.hears({ now: 1, connections: 1 })).toMatchObject({ action: 'forward', why: 'edge' });
  });

  it('that the last one left waits for its token when too many left before, and is then the latest state', () => {
    const one = forwarder(2);
    one.memory = { ...one.memory!, edgeTokens: 0.5 };
    const at = FORWARDING.edgeRefillMs / 2;
    expect(one.hears({ now: 0, connections: 0 })).toEqual({ action: 'wait', at });
    expect(one.hears({ now: 1, connections: 4 })).toMatchObject({ action: 'wait' });
    expect(one.hears({ now: 2, connections: 0 })).toEqual({ action: 'wait', at });
    expect(one.hears({ now: at, connections: 0 })).toMatchObject({ action: 'forward', why: 'edge' });
    expect(one.memory.edgeTokens).toBeCloseTo(0);
  });

  it('that the last one left is forwarded whatever was spent while an end waits for it', () => {
    const one = forwarder(1);
    one.memory = { ...one.memory!, edgeTokens: 0 };
    expect(one.hears({ now: 1, connections: 0, confirming: true })).toMatchObject({ why: 'confirm' });
  });

  it('of a change costs a token, a sign of life or an edge costs none', () => {
    const one = forwarder(1);
    one.hears({ now: 1000, connections: 2, changedAt: 0 });
    expect(one.memory?.tokens).toBeCloseTo(FORWARDING.bucketSize - 1);
    const spent = one.memory!.tokens;
    one.hears({ now: 1001, connections: 0 });
    expect(one.memory!.tokens).toBeGreaterThanOrEqual(spent);
  });

  it('is forwarded whatever it says while an end waits for it', () => {
    expect(forwarder(0, 0).hears({ now: 1, connections: 0, confirming: true })).toMatchObject({
      action: 'forward',
      why: 'confirm',
    });
  });

  it('that is old is dropped, even while an end waits for one', () => {
    const one = forwarder(3);
    const old = { now: 10, connections: 0, sequence: 1, confirming: true };
    expect(one.hears(old)).toEqual({ action: 'wait', at: HALF_SILENCE_MS });
  });

  it('that is old says since when a sign of life is overdue, so that the agent is asked', () => {
    const overdue = forwarder(3).hears({ now: HALF_SILENCE_MS + 7, connections: 3, sequence: 1 });
    expect(overdue).toEqual({ action: 'wait', at: HALF_SILENCE_MS });
  });
});

describe('the bucket', () => {
  const slowly = (one: Forwarder, changes: number, everyMs: number): number => {
    for (let change = 1; change <= changes; change += 1) {
      const now = change * everyMs;
      one.hears({ now, connections: 1 + (change % 2) * change, changedAt: now - FORWARDING.calmMs });
    }
    return one.forwards.filter(([, why]) => why === 'change').length;
  };

  it('lets ten changes through, so that a person sees each', () => {
    expect(slowly(forwarder(1), 10, 2000)).toBe(10);
  });

  it('lets the eleventh wait for its refill', () => {
    const one = forwarder(1, 0);
    expect(one.hears({ now: 1000, connections: 2, changedAt: 0 })).toEqual({ action: 'wait', at: FORWARDING.refillMs });
    expect(one.hears({ now: FORWARDING.refillMs, connections: 2, changedAt: 0 })).toMatchObject({ why: 'change' });
  });

  it('never holds more than its size', () => {
    const one = forwarder(1);
    one.hears({ now: 1e9, connections: 1 });
    expect(one.memory?.tokens).toBe(FORWARDING.bucketSize);
  });

  it('lets every change through that comes once in a refill', () => {
    expect(slowly(forwarder(1, 1), 200, FORWARDING.refillMs)).toBe(200);
  });
});

describe('a storm', () => {
  it('of ten changes a second costs one forward each half silence time-out', () => {
    const one = forwarder(1);
    const hourMs = 3_600_000;
    for (let now = 100; now <= hourMs; now += 100) one.hears({ now, connections: 1 + ((now / 100) % 7) });
    expect(one.forwards.length).toBeLessThanOrEqual(hourMs / HALF_SILENCE_MS);
    expect(one.forwards.length).toBeLessThan(36_000 * 0.001);
  });

  it('with a second of calm between gusts is held by the bucket', () => {
    const one = forwarder(1);
    const hourMs = 3_600_000;
    for (let now = 2000; now <= hourMs; now += 2000) {
      one.hears({ now, connections: 1 + (now / 2000) * 3, changedAt: now - FORWARDING.calmMs });
    }
    expect(one.forwards.length).toBeLessThanOrEqual(FORWARDING.bucketSize + hourMs / FORWARDING.refillMs + 1);
  });

  it('of people who come and go costs as many signals as the bucket allows, not one each', () => {
    const one = forwarder(0);
    const hourMs = 3_600_000;
    for (let now = 20; now <= hourMs; now += 20) one.hears({ now, connections: (now / 20) % 2 });
    const leavings = FORWARDING.edgeBucketSize + hourMs / FORWARDING.edgeRefillMs;
    expect(one.forwards.filter(([, why]) => why === 'edge').length).toBeLessThanOrEqual(2 * leavings + 1);
    expect(one.forwards.length).toBeLessThanOrEqual(2 * leavings + 1 + hourMs / HALF_SILENCE_MS);
  });

  it('of people who come and go is told edge by edge while it is no more than people do', () => {
    const one = forwarder(0);
    for (let turn = 1; turn <= 40; turn += 1) one.hears({ now: turn * 100, connections: turn % 2 });
    expect(one.forwards).toHaveLength(40);
  });

  it('never hides an edge', () => {
    const one = forwarder(5, 0);
    for (let now = 100; now < 5000; now += 100) one.hears({ now, connections: 5 + (now % 300) });
    one.hears({ now: 5000, connections: 0 });
    expect(one.forwards).toEqual([[5000, 'edge', 0]]);
  });
});

const story = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 200_000 })),
    connections: fc.constantFrom(0, 0, 1, 2, 3),
    calmMs: fc.constantFrom(0, 400, 1000, 90_000),
    confirming: fc.boolean(),
    old: fc.boolean(),
    replica: fc.integer({ min: 0, max: 1 }),
  }),
  { maxLength: 80, size: 'max' },
);

/** The same, and guests that go to and fro as fast as they can. */
const stormy = fc.oneof(
  story,
  fc.array(
    fc.record({
      afterMs: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 40_000 })),
      connections: fc.constantFrom(0, 1, 0, 1, 2),
      calmMs: fc.constant(0),
    }),
    { minLength: 60, maxLength: 200, size: 'max' },
  ),
);

describe('whatever an agent reports', () => {
  it('one who waits is told a time in the future, and by then a newer report goes', () => {
    fc.assert(
      fc.property(story, (reports) => {
        const one = new Forwarder();
        let now = 0;
        for (const { afterMs, connections, calmMs } of reports) {
          now += afterMs;
          const decision = one.hears({ now, connections, changedAt: now - calmMs });
          if (decision.action === 'forward') continue;
          expect(decision.at).toBeGreaterThan(now);
          const again = new Forwarder();
          again.memory = one.memory;
          const later = again.hears({ now: decision.at, connections, changedAt: now - calmMs, sequence: 1e9 });
          // A fraction of a token may cost one more millisecond.
          if (later.action === 'wait') expect(later.at).toBe(decision.at + 1);
          now = Math.max(now, one.memory!.forwardedAt);
        }
      }),
    );
  });

  it('a VM in use is never believed empty, and an empty one not believed in use for long', () => {
    fc.assert(
      fc.property(stormy, (reports) => {
        const one = new Forwarder();
        let now = 0;
        let emptySince: number | null = null;
        for (const { afterMs, connections, calmMs } of reports) {
          const until = now + afterMs;
          // A forwarder looks again when it said that it would, with the latest report.
          while (emptySince !== null && one.memory !== null && one.memory.connections > 0) {
            const { memory, sequence } = one;
            const decision = one.hears({ now, connections: 0, sequence });
            if (decision.action === 'forward') break;
            expect(decision.at).toBeLessThanOrEqual(emptySince + FORWARDING.edgeRefillMs + 1);
            expect(memory.edgeTokens).toBeLessThan(1);
            if (decision.at > until) break;
            now = decision.at;
          }
          now = until;
          emptySince = connections > 0 ? null : (emptySince ?? now);
          one.hears({ now, connections, changedAt: now - calmMs });
          if (connections > 0) expect(one.memory!.connections).toBeGreaterThan(0);
        }
      }),
    );
  });

  it('two replicas that take turns, each with a clock of its own, decide as one', () => {
    const clockOffsetMs = [0, 86_400_000];
    fc.assert(
      fc.property(story, (reports) => {
        const one = new Forwarder();
        let carried: Carried | null = null;
        let carriedSince = 0;
        let now = 0;
        for (const { afterMs, connections, calmMs, confirming, old, replica } of reports) {
          now += afterMs;
          const sequence = Math.max(1, old ? one.sequence - 1 : one.sequence + 1);
          const alone = one.hears({ now, connections, changedAt: now - calmMs, sequence, confirming });

          const clock = now + clockOffsetMs[replica]!;
          const known: Carried | null = carried;
          const ageMs = known === null ? 0 : known.ageMs + (now - carriedSince);
          const decision = decideForward({
            memory: known && { ...known, forwardedAt: clock - ageMs },
            report: { sequence, connections },
            changedAt: clock - calmMs,
            now: clock,
            silenceTimeoutSeconds: SILENCE_SECONDS,
            confirming,
          });
          expect(decision.action).toBe(alone.action);
          if (decision.action === 'forward') {
            expect(decision.why).toBe(alone.action === 'forward' && alone.why);
            const { forwardedAt, ...memory } = decision.memory;
            carried = { ...memory, ageMs: clock - forwardedAt };
            carriedSince = now;
          }
        }
      }),
    );
  });
});
