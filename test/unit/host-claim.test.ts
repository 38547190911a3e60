import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import type { MachineProvider } from '../../domain/machine-provider.ts';
import { claimProvider, type HeldClaim } from '../../worker/host-claim.ts';
import { claimIdentity, parseClaim, yieldsTo, type HostClaim } from '../../domain/host-claim.ts';

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

  it('yields to exactly one of two hosts, and never to its own earlier process', () => {
    fc.assert(
      fc.property(claims, claims, (one, other) => {
        const yielding = [yieldsTo(one, other), yieldsTo(other, one)].filter(Boolean);
        expect(yielding).toHaveLength(one.hostId === other.hostId ? 0 : 1);
      }),
    );
  });

  it('never makes a host that serves yield to one that starts', () => {
    const serving = {
      hostId: 'z',
      phase: 'serving',
      startedAt: 9,
      computer: 'c',
      pid: 1,
      processStartedAt: '',
    } as const;
    expect(yieldsTo(serving, { ...serving, hostId: 'a', phase: 'starting', startedAt: 0 })).toBe(false);
  });
});

/** Temporal's task queue in memory: it knows when each identity polled last. */
class FakeTemporal {
  readonly polledAt = new Map<string, number>();
  failures = 0;
  private clock = 1;

  show(identity: string): void {
    this.polledAt.set(identity, (this.clock += 1));
  }

  client(): Client {
    return {
      options: { namespace: 'test' },
      withDeadline: (_: number, call: () => Promise<unknown>) => call(),
      workflow: { list: () => [] },
      workflowService: {
        pollActivityTaskQueue: ({ identity }: { identity: string }) => {
          this.show(identity);
          return new Promise((resolve) => setTimeout(resolve, 50));
        },
        describeTaskQueue: () => {
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
    const provider = { name: 'local' } as unknown as MachineProvider;
    const log = pino({ level: 'silent' });
    return claimProvider({ client: this.client(), controlTaskQueue: 'control', hostId, provider, log });
  }
}

const elsewhere = { computer: 'another-computer', pid: 1, processStartedAt: '1' };

describe('a host that starts', () => {
  it('asks again when Temporal has an error, and then serves', async () => {
    const temporal = new FakeTemporal();
    temporal.failures = 3;
    const claim = await temporal.claim('mine');
    expect(temporal.failures).toBe(0);
    claim.stop();
  });

  it('refuses beside one that serves, and not for what polled before and does no more', async () => {
    const temporal = new FakeTemporal();
    const other: HostClaim = { hostId: 'theirs', phase: 'serving', startedAt: 1, ...elsewhere };
    temporal.show(claimIdentity(other));
    const polling = setInterval(() => temporal.show(claimIdentity(other)), 200);
    await expect(temporal.claim('mine')).rejects.toThrow('Host "theirs" (process 1 on another-computer)');
    clearInterval(polling);
    const claim = await temporal.claim('mine');
    claim.stop();
  }, 20_000);

  it('ends when one that was there first is heard of again', async () => {
    const temporal = new FakeTemporal();
    const claim = await temporal.claim('mine');
    temporal.show(claimIdentity({ hostId: 'theirs', phase: 'serving', startedAt: 1, ...elsewhere }));
    await expect(claim.lost).rejects.toThrow('Host "theirs"');
    claim.stop();
  }, 20_000);
});
