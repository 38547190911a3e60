import { describe, expect, it } from 'vitest';
import { hasTurn, nextPull, nextPulls, PULLS_AT_ONCE, type LaneBacklog } from '../../../../domain/capacity/pull.ts';
import type { RoomSize } from '../../../../domain/capacity/room.ts';
import { sizeClassOf } from '../../../../domain/capacity/size-class.ts';

const cpus = (count: number): RoomSize => ({ cpus: count, memoryMb: 0, diskGb: 0 });
const TOTAL = cpus(16);
const waits = (count: number, waitSeconds: number): LaneBacklog => ({
  lane: sizeClassOf(cpus(count)),
  ...{ waiting: 10, waitSeconds },
  ...{ expected: cpus(count), isSeen: true },
});

describe('what a host pulls next', () => {
  it('is the biggest that fits, so that room of big machines goes to big ones again', () => {
    expect(nextPull(TOTAL, TOTAL, [waits(1, 20), waits(16, 15)], true)).toEqual({ kind: 'take', lane: 's16' });
    expect(nextPull(TOTAL, cpus(4), [waits(1, 20), waits(4, 15), waits(16, 15)], true)).toEqual({
      kind: 'take',
      lane: 's4',
    });
  });

  it('is a smaller one where that waits more than three times as long', () => {
    expect(nextPull(TOTAL, TOTAL, [waits(1, 20), waits(16, 5)], true)).toEqual({ kind: 'take', lane: 's1' });
  });

  it('is reserved for one that does not fit and waits much longer, only by the host whose turn it is', () => {
    const backlog = [waits(1, 10), waits(16, 30)];
    expect(nextPull(TOTAL, cpus(4), backlog, true)).toEqual({ kind: 'reserve', lane: 's16' });
    expect(nextPull(TOTAL, cpus(4), backlog, false)).toEqual({ kind: 'take', lane: 's1' });
  });

  it('is reserved the sooner the less room is missing', () => {
    const backlog = [waits(1, 10), waits(16, 13)];
    expect(nextPull(TOTAL, cpus(12), backlog, true).kind).toBe('reserve');
    expect(nextPull(TOTAL, cpus(0), backlog, true).kind).toBe('none');
  });

  it('is nothing while nothing fits, and never reserved for what no empty host of this size could take', () => {
    expect(nextPull(TOTAL, cpus(0), [waits(1, 1)], true)).toEqual({ kind: 'none' });
    expect(nextPull(TOTAL, cpus(4), [waits(32, 500)], true)).toEqual({ kind: 'none' });
    expect(nextPull(TOTAL, TOTAL, [], true)).toEqual({ kind: 'none' });
  });
});

describe('what a host asks for at once', () => {
  const lanes = (free: number, asked: string[], ...backlog: LaneBacklog[]): string[] =>
    nextPulls({ total: TOTAL, free: cpus(free), asked, mayReserve: false }, backlog).map(({ lane }) => lane);

  it('is as much as has room, but no more than a few, so that room stays empty for the time of one poll only', () => {
    expect(lanes(16, [], waits(1, 20))).toEqual(Array(PULLS_AT_ONCE).fill('s1'));
    expect(lanes(2, [], waits(1, 20))).toEqual(['s1', 's1']);
    expect(lanes(5, [], waits(1, 20), waits(4, 20))).toEqual(['s4', 's1']);
    expect(lanes(5, ['s4'], waits(1, 20), waits(4, 20))).toEqual(['s1']);
    expect(lanes(4, ['s4'], waits(1, 20), waits(4, 20))).toEqual([]);
  });

  it('is no more than waits, and one where nobody has seen how big they are', () => {
    expect(lanes(16, [], { ...waits(1, 20), waiting: 2 })).toEqual(['s1', 's1']);
    expect(lanes(16, ['s1'], { ...waits(1, 20), isSeen: false })).toEqual([]);
  });

  it('is whatever may come where nothing waits', () => {
    const idle = { ...waits(1, 0), waiting: 0 };
    expect(lanes(2, [], idle, { ...waits(4, 0), waiting: 0 })).toEqual(['s1']);
    expect(lanes(2, ['s1'], idle)).toEqual([]);
  });

  it('is one alone where room is reserved for it', () => {
    const host = { total: TOTAL, free: cpus(4), asked: [], mayReserve: true };
    expect(nextPulls(host, [waits(1, 10), waits(16, 30)])).toEqual([{ kind: 'reserve', lane: 's16' }]);
  });
});

describe('the turn to reserve', () => {
  it('is of one host at a time, and comes round to each', () => {
    const hosts = ['a', 'b', 'c'];
    const seen = [0, 5000, 10_000, 15_000].map((now) => hosts.filter((host) => hasTurn(host, hosts, now)));
    expect(seen).toEqual([['a'], ['b'], ['c'], ['a']]);
  });

  it('is of more of them at a time where there are many, so that each has it as often', () => {
    const hosts = Array.from({ length: 24 }, (_, index) => `host-${index + 10}`);
    const turns = Array.from({ length: 8 }, (_, turn) => hosts.filter((host) => hasTurn(host, hosts, turn * 5000)));
    expect(turns.map(({ length }) => length)).toEqual(Array(8).fill(3));
    expect(turns.flat().sort()).toEqual(hosts);
  });

  it('is always of a host that knows no other', () => {
    expect([0, 7000, 12_345].map((now) => hasTurn('only', [], now))).toEqual([true, true, true]);
  });
});

describe('the size class of a machine', () => {
  it('is given by whichever of cpus, memory and disk it asks most of', () => {
    expect(sizeClassOf({ cpus: 1, memoryMb: 512, diskGb: null })).toBe('s1');
    expect(sizeClassOf({ cpus: 3, memoryMb: 512, diskGb: null })).toBe('s4');
    expect(sizeClassOf({ cpus: 1, memoryMb: 8192, diskGb: null })).toBe('s4');
    expect(sizeClassOf({ cpus: 1, memoryMb: 512, diskGb: 400 })).toBe('s8');
    expect(sizeClassOf({ cpus: 500, memoryMb: 512, diskGb: null })).toBe('huge');
  });
});
