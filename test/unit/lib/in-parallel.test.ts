import { describe, expect, it } from 'vitest';
import { inParallel } from '../../../lib/waiting/in-parallel.ts';

/** Work that ends when it is told to, and what ran at the same time. */
function watchedWork() {
  const running = new Set<number>();
  const order: number[] = [];
  let most = 0;
  const work = async (index: number): Promise<void> => {
    running.add(index);
    order.push(index);
    most = Math.max(most, running.size);
    await new Promise((resolve) => setImmediate(resolve));
    running.delete(index);
  };
  return { work, order, most: () => most };
}

const INDEXES = Array.from({ length: 50 }, (_, index) => index);

describe('work in parallel', () => {
  it('does every item, in their order, only so many at a time', async () => {
    const { work, order, most } = watchedWork();
    await inParallel(INDEXES, 5, work);
    expect([most(), order]).toEqual([5, INDEXES]);
  });

  it('ends with the first failure and begins nothing more', async () => {
    const begun: number[] = [];
    const doing = inParallel(INDEXES, 2, async (index) => {
      begun.push(index);
      await new Promise((resolve) => setImmediate(resolve));
      if (index === 3) throw new Error('this one failed');
    });
    await expect(doing).rejects.toThrow('this one failed');
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun.length).toBeLessThan(8);
  });
});
