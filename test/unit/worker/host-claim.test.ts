import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { claimHost, type HeldClaim } from '../../../worker/host/host-claim.ts';
import { claimIdentity, isSameProcess, parseClaim, yieldsTo, type HostClaim } from '../../../domain/host/claim.ts';

const claims = fc.record<HostClaim>({
  hostId: fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
  phase: fc.constantFrom('starting', 'serving'),
  startedAt: fc.integer({ min: 0, max: 4 }),
  computer: fc.string(),
  pid: fc.nat(),
  processStartedAt: fc.string(),
});

describe('the claim of a host', () => {
  it('is read back from its identity', () => {
    fc.assert(
      fc.property(claims, (claim) => {
        expect(parseClaim(claimIdentity(claim))).toEqual(claim);
      }),
    );
  });

  it.each(['', '123@computer', 'ephemera-host', 'ephemera-host a b c d e f', 'ephemera-host %'])(
    'is not the identity %j',
    (identity) => {
      expect(parseClaim(identity)).toBeUndefined();
    },
  );

  it('is yielded by exactly one of two workers of a host id, and never to the own process', () => {
    const sameHost = fc.tuple(claims, claims).map(([one, other]) => [one, { ...other, hostId: one.hostId }] as const);
    fc.assert(
      fc.property(sameHost, ([one, other]) => {
        const yielding = [yieldsTo(one, other), yieldsTo(other, one)].filter(Boolean);
        expect(yielding).toHaveLength(isSameProcess(one, other) ? 0 : 1);
      }),
    );
  });

  it('is nothing to another host', () => {
    fc.assert(
      fc.property(claims, claims, (one, other) => {
        expect(yieldsTo(one, { ...other, hostId: `${one.hostId}-2` })).toBe(false);
      }),
    );
  });

  it('never makes a worker that serves yield to one that starts', () => {
    const serving = {
      hostId: 'z',
      phase: 'serving',
      startedAt: 9,
      computer: 'c',
      pid: 1,
      processStartedAt: '',
    } as const;
    expect(yieldsTo(serving, { ...serving, pid: 2, phase: 'starting', startedAt: 0 })).toBe(false);
  });
});

/** Temporal's task queue in memory: it knows when each identity polled last. */
class FakeTemporal {
  readonly polledAt = new Map<string, number>();
  failures = 0;
  isCutOff = false;
  private clock = 1;

  show(identity: string): void {
    this.polledAt.set(identity, (this.clock += 1));
  }

  client(): Client {
    return {
      options: { namespace: 'test' },
      withDeadline: (_: number, call: () => Promise<unknown>) => call(),
      workflowService: {
        pollActivityTaskQueue: ({ identity }: { identity: string }) => {
          if (this.isCutOff) return Promise.reject(new Error('14 UNAVAILABLE'));
          this.show(identity);
          return new Promise((resolve) => setTimeout(resolve, 50));
        },
        describeTaskQueue: () => {
          if (this.isCutOff) return Promise.reject(new Error('14 UNAVAILABLE'));
          if (this.failures > 0) {
            this.failures -= 1;
            return Promise.reject(new Error('14 UNAVAILABLE'));
          }
          const pollers = [...this.polledAt].map(([identity, nanos]) => ({
            identity,
            lastAccessTime: { seconds: 0, nanos },
          }));
          return Promise.resolve({ pollers });
        },
      },
    } as unknown as Client;
  }

  claim(hostId: string): Promise<HeldClaim> {
    const log = pino({ level: 'silent' });
    return claimHost({ client: this.client(), controlTaskQueue: 'control', hostId, log });
  }
}

const elsewhere = { computer: 'another-computer', pid: 1, processStartedAt: '1' };

describe('a worker that starts as a host', () => {
  it('asks again when Temporal has an error, and then serves', async () => {
    const temporal = new FakeTemporal();
    temporal.failures = 3;
    const claim = await temporal.claim('mine');
    expect(temporal.failures).toBe(0);
    claim.stop();
  });

  it('refuses beside one that serves, and not for what polled before and does no more', async () => {
    const temporal = new FakeTemporal();
    const other: HostClaim = { hostId: 'mine', phase: 'serving', startedAt: 1, ...elsewhere };
    temporal.show(claimIdentity(other));
    const polling = setInterval(() => temporal.show(claimIdentity(other)), 200);
    await expect(temporal.claim('mine')).rejects.toThrow('process 1 on another-computer');
    clearInterval(polling);
    const claim = await temporal.claim('mine');
    claim.stop();
  }, 20_000);

  it('ends when one that was there first is heard of again', async () => {
    const temporal = new FakeTemporal();
    const claim = await temporal.claim('mine');
    claim.serve();
    temporal.show(claimIdentity({ hostId: 'mine', phase: 'serving', startedAt: 1, ...elsewhere }));
    await expect(claim.lost).rejects.toThrow('as host "mine" already');
    claim.stop();
  }, 20_000);

  it('has lost its claim to one that serves since it was cut off, and to none that did so meanwhile', async () => {
    const temporal = new FakeTemporal();
    const claim = await temporal.claim('mine');
    claim.serve();
    const cutOff = async (): Promise<void> => {
      temporal.isCutOff = true;
      await new Promise((resolve) => setTimeout(resolve, 7000));
      temporal.isCutOff = false;
    };
    const later = (pid: number): string =>
      claimIdentity({ hostId: 'mine', phase: 'serving', startedAt: Date.now() + 1e6, ...elsewhere, pid });
    let lost = false;
    claim.lost.catch(() => (lost = true));
    await cutOff();
    temporal.show(later(1));
    const phase = (name: string): boolean => [...temporal.polledAt.keys()].at(-1)?.includes(` ${name} `) ?? false;
    const seenAsIs = new Set<string>();
    for (let looks = 0; looks < 120 && !seenAsIs.has('serving again'); looks += 1) {
      temporal.polledAt.delete(later(1));
      if (phase('starting')) seenAsIs.add('starting');
      if (seenAsIs.has('starting') && phase('serving')) seenAsIs.add('serving again');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(lost).toBe(false);
    const polling = setInterval(() => temporal.show(later(2)), 200);
    await cutOff();
    await expect(claim.lost)
      .rejects.toThrow('process 2 on another-computer')
      .finally(() => clearInterval(polling));
    claim.stop();
  }, 60_000);
});
