import { describe, expect, it } from 'vitest';
import type { HostEvent, HostEventKind } from '../../../../domain/host/events.ts';
import { next } from '../../../../domain/host/next.ts';
import { isHostReady } from '../../../../domain/host/ready.ts';
import { newHost, type Host, type HostFacts } from '../../../../domain/host/state.ts';
import { hostState, hostView } from '../../../../domain/host/view.ts';

const facts: HostFacts = {
  ...{ version: '1.0.0', providers: ['local'], capacity: { cpus: 4, memoryMb: 8192, diskGb: 50 } },
  ...{ zone: 'attic', labels: { disk: 'ssd' }, address: '10.0.0.7:7401', fingerprint: null, lostSeconds: 30 },
};
const status = { free: { cpus: 1, memoryMb: 2, diskGb: 3 }, machines: 2 };
const AT = 1_000_000;

const present: Host = {
  ...{ hostId: 'h1', facts, incarnation: 'i1', wish: 'serve', drain: 'none', lease: 7, lastStatus: null },
  presence: { name: 'present', since: AT - 5000 },
};
const HOSTS = {
  ready: present,
  cordoned: { ...present, wish: 'cordon' },
  draining: { ...present, wish: 'drain', drain: 'pending' },
  drained: { ...present, wish: 'drain', drain: 'done' },
  away: { ...present, presence: { name: 'away', since: AT - 15_000, stage: 'waiting', deadlineAt: AT } },
  awayTillLastCall: { ...present, presence: { name: 'away', since: AT - 30_000, stage: 'lastCall', deadlineAt: AT } },
  awayCordoned: {
    ...{ ...present, wish: 'cordon' },
    presence: { name: 'away', since: AT, stage: 'waiting', deadlineAt: AT + 1 },
  },
  lost: { ...present, presence: { name: 'lost', since: AT - 1, released: false } },
  lostAndLeaving: { ...present, presence: { name: 'lost', since: AT - 1, released: false, leaves: true } },
  released: { ...present, presence: { name: 'lost', since: AT - 1, released: true } },
  removed: { ...present, presence: { name: 'removed', since: AT - 1 } },
} as const satisfies Record<string, Host>;
type HostName = keyof typeof HOSTS;

const EVENTS: Record<HostEventKind, HostEvent> = {
  announced: { kind: 'announced', at: AT, incarnation: 'i2', facts },
  leaseEnded: { kind: 'leaseEnded', at: AT, lease: 7, status },
  deadline: { kind: 'deadline', at: AT },
  released: { kind: 'released', at: AT },
  cordon: { kind: 'cordon', at: AT },
  uncordon: { kind: 'uncordon', at: AT },
  drain: { kind: 'drain', at: AT },
  drained: { kind: 'drained', at: AT },
  remove: { kind: 'remove', at: AT },
};

/** What the host is after the event, and whether it gets another lease; `same`: nothing at all has changed. */
const CELLS: Record<HostName, Record<HostEventKind, string>> = {
  ready: {
    ...{ announced: 'ready, new lease', leaseEnded: 'away', deadline: 'same', released: 'same', remove: 'removed' },
    ...{ cordon: 'cordoned, new lease', uncordon: 'same', drain: 'draining pending, new lease', drained: 'same' },
  },
  cordoned: {
    ...{ announced: 'cordoned, new lease', leaseEnded: 'away', deadline: 'same', released: 'same', remove: 'removed' },
    ...{ cordon: 'same', uncordon: 'ready, new lease', drain: 'draining pending', drained: 'same' },
  },
  draining: {
    ...{ announced: 'draining pending, new lease', leaseEnded: 'away pending', deadline: 'same', released: 'same' },
    ...{ cordon: 'same', uncordon: 'ready, new lease', drain: 'same', drained: 'draining done' },
    remove: 'removed pending',
  },
  drained: {
    ...{ announced: 'draining done, new lease', leaseEnded: 'away done', deadline: 'same', released: 'same' },
    ...{ cordon: 'same', uncordon: 'ready, new lease', drain: 'same', drained: 'same', remove: 'removed done' },
  },
  away: {
    ...{ announced: 'ready, new lease', leaseEnded: 'same', deadline: 'away', released: 'same', remove: 'removed' },
    ...{ cordon: 'away', uncordon: 'same', drain: 'away pending', drained: 'same' },
  },
  awayTillLastCall: {
    ...{ announced: 'ready, new lease', leaseEnded: 'same', deadline: 'lost', released: 'same', remove: 'removed' },
    ...{ cordon: 'away', uncordon: 'same', drain: 'away pending', drained: 'same' },
  },
  awayCordoned: {
    ...{ announced: 'cordoned, new lease', leaseEnded: 'same', deadline: 'same', released: 'same', remove: 'removed' },
    ...{ cordon: 'same', uncordon: 'away', drain: 'away pending', drained: 'same' },
  },
  lost: {
    ...{ announced: 'ready, new lease', leaseEnded: 'same', deadline: 'same', released: 'lost', remove: 'lost' },
    ...{ cordon: 'lost', uncordon: 'same', drain: 'lost pending', drained: 'same' },
  },
  lostAndLeaving: {
    ...{ announced: 'ready, new lease', leaseEnded: 'same', deadline: 'same', released: 'removed', remove: 'same' },
    ...{ cordon: 'lost', uncordon: 'same', drain: 'lost pending', drained: 'same' },
  },
  released: {
    ...{ announced: 'ready, new lease', leaseEnded: 'same', deadline: 'same', released: 'lost', remove: 'removed' },
    ...{ cordon: 'lost', uncordon: 'same', drain: 'lost pending', drained: 'same' },
  },
  removed: {
    ...{ announced: 'same', leaseEnded: 'same', deadline: 'same', released: 'same', remove: 'same' },
    ...{ cordon: 'same', uncordon: 'same', drain: 'same', drained: 'same' },
  },
};

function told(before: Host, after: Host): string {
  if (after === before) return 'same';
  const name = after.presence.name === 'removed' ? 'removed' : hostState(after);
  const drain = after.drain === 'none' ? '' : ` ${after.drain}`;
  return `${name}${drain}${after.lease === before.lease ? '' : ', new lease'}`;
}

describe('a host', () => {
  const cells = Object.entries(CELLS).flatMap(([name, row]) =>
    Object.entries(row).map(([kind, expected]) => [name as HostName, kind as HostEventKind, expected] as const),
  );
  it.each(cells)('that is %s and hears %s is %s', (name, kind, expected) => {
    const before: Host = HOSTS[name];
    expect(told(before, next(before, EVENTS[kind]))).toBe(expected);
  });

  it('that nobody heard of yet is away, and ready once it says so', () => {
    const host = newHost('h1', AT);
    expect(hostState(host)).toBe('away');
    expect(hostState(next(host, EVENTS.announced))).toBe('ready');
  });

  it('does not go away for what is said of an earlier lease', () => {
    expect(next(present, { ...EVENTS.leaseEnded, lease: 6 } as HostEvent)).toBe(present);
  });

  it('keeps since when it is there when only its worker restarts, and what its last heartbeat said', () => {
    expect(next(present, EVENTS.announced).presence).toEqual(present.presence);
    const away = next(present, EVENTS.leaseEnded);
    expect(hostView(away)).toMatchObject({ state: 'away', lastStatus: status });
    expect(next(away, EVENTS.announced).presence).toEqual({ name: 'present', since: AT });
  });

  it('that is away is lost after its time, whose last part begins when the first one is over', () => {
    const away = next(present, EVENTS.leaseEnded);
    expect(away.presence).toEqual({ name: 'away', since: AT, stage: 'waiting', deadlineAt: AT + 15_000 });
    expect(hostView(away).lostAt).toBe(new Date(AT + 30_000).toISOString());
    // Temporal was down for an hour: the host still has its last call.
    const afterOutage = AT + 3_600_000;
    const lastCall = next(away, { kind: 'deadline', at: afterOutage });
    expect(lastCall.presence).toMatchObject({ name: 'away', stage: 'lastCall', deadlineAt: afterOutage + 15_000 });
    expect(next(lastCall, { kind: 'deadline', at: afterOutage + 14_999 })).toBe(lastCall);
    expect(hostState(next(lastCall, { kind: 'deadline', at: afterOutage + 15_000 }))).toBe('lost');
  });
});

describe('what a host says when it is ready', () => {
  it('counts as it is, from the shortest time that can be set on', () => {
    expect(isHostReady({ incarnation: 'i', facts })).toBe(true);
    expect(isHostReady({ incarnation: 'i', facts: { ...facts, lostSeconds: 15 } })).toBe(true);
  });

  it.each([
    undefined,
    'ready',
    { facts },
    { incarnation: 'i' },
    { incarnation: 'i', facts: { ...facts, providers: 'local' } },
    { incarnation: 'i', facts: { ...facts, capacity: { cpus: 1 } } },
    { incarnation: 'i', facts: { ...facts, labels: { disk: 1 } } },
    { incarnation: 'i', facts: { ...facts, lostSeconds: 0 } },
    // No host can be told so little: it would be lost before it can renew its lease.
    { incarnation: 'i', facts: { ...facts, lostSeconds: 14.9 } },
    { incarnation: 'i', facts: { ...facts, lostSeconds: NaN } },
    { incarnation: 'i', facts: { ...facts, capacity: { cpus: -1, memoryMb: 1, diskGb: 1 } } },
    { incarnation: 'i', facts: { ...facts, capacity: { cpus: Infinity, memoryMb: 1, diskGb: 1 } } },
    // With it the host could never be called away: no time is that late.
    { incarnation: 'i', facts: { ...facts, lostSeconds: 1e13 } },
    { incarnation: 'i', facts: { ...facts, zone: undefined } },
  ])('does not count as %j', (wrong) => {
    expect(isHostReady(wrong)).toBe(false);
  });
});
