import { describe, expect, it } from 'vitest';
import { NO_ROOM, fits, freeRoom, tooBigText, waitingText, type RoomSize } from '../../../../domain/capacity/room.ts';

const size = (memoryMb: number, cpus = 1, diskGb = 0): RoomSize => ({ cpus, memoryMb, diskGb });

describe('room on a host', () => {
  const total = size(1000, 10, 5);

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
