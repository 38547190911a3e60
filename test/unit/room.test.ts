import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  NO_ROOM,
  admitted,
  fits,
  freeRoom,
  inOrderOfAsking,
  sumOf,
  tooBigText,
  waitingText,
  type RoomRequest,
  type RoomSize,
} from '../../domain/room.ts';

const size = (memoryMb: number, cpus = 1, diskGb = 0): RoomSize => ({ cpus, memoryMb, diskGb });
const request = (machineId: string, memoryMb: number, askedAt: number): RoomRequest => ({
  machineId,
  askedAt,
  size: size(memoryMb),
});
const ids = (requests: readonly RoomRequest[]): string[] => requests.map(({ machineId }) => machineId);

describe('room on a host', () => {
  const total = size(1000, 10, 5);

  it('is given to as many as fit', () => {
    const queue = [request('a', 400, 1), request('b', 400, 2), request('c', 400, 3)];
    expect(ids(admitted(total, NO_ROOM, queue))).toEqual(['a', 'b']);
    expect(ids(admitted(total, size(700), queue))).toEqual([]);
    expect(admitted(total, NO_ROOM, [])).toEqual([]);
  });

  it('is kept for a big machine that waits, whatever small ones come after it', () => {
    const queue = [request('big', 900, 1), request('small', 100, 2)];
    expect(ids(admitted(total, size(200), queue))).toEqual([]);
    expect(ids(admitted(total, size(100), queue))).toEqual(['big']);
    expect(ids(admitted(total, NO_ROOM, queue))).toEqual(['big', 'small']);
  });

  it('is limited by whichever runs out: cpus, memory or disk', () => {
    expect(fits(size(1, 11), total)).toBe(false);
    expect(fits(size(1001), total)).toBe(false);
    expect(fits(size(1, 1, 6), total)).toBe(false);
    expect(fits(total, total)).toBe(true);
  });

  it('of which more is taken than there is gives nothing more, except what costs nothing', () => {
    const free = freeRoom(size(500, 10, 5), size(900, 2, 9));
    expect(free).toEqual({ cpus: 8, memoryMb: 0, diskGb: 0 });
    expect(fits(size(1), free)).toBe(false);
    expect(fits(size(0), free)).toBe(true);
  });

  it('is asked for in one order, however the asking arrives', () => {
    const [a, b, c] = [request('a', 1, 2), request('b', 1, 2), request('c', 1, 1)];
    expect(ids(inOrderOfAsking([b, a, c]))).toEqual(['c', 'a', 'b']);
    expect(ids(inOrderOfAsking([a, c, b]))).toEqual(['c', 'a', 'b']);
  });

  it('that is missing is explained: what was asked, what is free, who is before', () => {
    expect(waitingText(size(512), size(100, 3, 5), 0)).toBe(
      'waiting for room on this host: asked 1 cpus, 512 MB of memory, 0 GB of disk; ' +
        'free 3 cpus, 100 MB of memory, 5 GB of disk; it is the next one',
    );
    expect(waitingText(size(1), NO_ROOM, 1)).toContain('1 waits before it');
    expect(waitingText(size(1), NO_ROOM, 7)).toContain('7 wait before it');
    expect(tooBigText(size(1000), total)).toBeUndefined();
    expect(tooBigText(size(1001), total)).toContain('the whole host gives 10 cpus, 1000 MB of memory');
  });
});

describe('whatever is asked and given back', () => {
  const anySize = fc.record({ cpus: fc.nat(8), memoryMb: fc.nat(64), diskGb: fc.nat(8) });
  const anyTotal = fc.record({
    cpus: fc.integer({ min: 1, max: 8 }),
    memoryMb: fc.integer({ min: 1, max: 64 }),
    diskGb: fc.nat(8),
  });
  const step = fc.oneof(
    fc.record({ kind: fc.constant('ask' as const), size: anySize }),
    fc.record({ kind: fc.constant('giveBack' as const), which: fc.nat() }),
    fc.record({ kind: fc.constant('giveUp' as const), which: fc.nat() }),
  );

  it('never is more given than there is, nobody overtakes, and the first waits only for its own size', () => {
    fc.assert(
      fc.property(anyTotal, fc.array(step, { maxLength: 60 }), (total, steps) => {
        let queue: RoomRequest[] = [];
        let taken: RoomRequest[] = [];
        const given: number[] = [];
        steps.forEach((one, askedAt) => {
          if (one.kind === 'ask' && fits(one.size, total)) {
            queue.push({ machineId: `m-${askedAt}`, askedAt, size: one.size });
          }
          if (one.kind === 'giveBack' && taken.length > 0) taken.splice(one.which % taken.length, 1);
          if (one.kind === 'giveUp' && queue.length > 0) queue.splice(one.which % queue.length, 1);
          const order = inOrderOfAsking(queue);
          const lucky = admitted(total, sumOf(taken.map((each) => each.size)), order);
          expect(lucky).toEqual(order.slice(0, lucky.length));
          queue = order.slice(lucky.length);
          taken = [...taken, ...lucky];
          given.push(...lucky.map((each) => each.askedAt));
          const sum = sumOf(taken.map((each) => each.size));
          expect(fits(sum, total)).toBe(true);
          const [first] = queue;
          if (first) expect(fits(first.size, freeRoom(total, sum))).toBe(false);
        });
        expect(given).toEqual([...given].sort((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });

  it('everybody who does not give up gets room once enough is given back', () => {
    fc.assert(
      fc.property(anyTotal, fc.array(anySize, { maxLength: 20 }), (total, sizes) => {
        let queue = inOrderOfAsking(
          sizes
            .filter((one) => fits(one, total))
            .map((one, askedAt) => ({ machineId: `m-${askedAt}`, askedAt, size: one })),
        );
        for (let rounds = queue.length; rounds > 0; rounds -= 1) {
          queue = queue.slice(admitted(total, NO_ROOM, queue).length);
        }
        expect(queue).toEqual([]);
      }),
    );
  });
});
