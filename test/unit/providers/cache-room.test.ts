import { describe, expect, it } from 'vitest';
import { copiesToEvict, type CachedCopy } from '../../../providers/qemu/image/cache-room.ts';

const copy = (version: string, usedAt: number, inUse = false): CachedCopy => ({ version, bytes: 10, usedAt, inUse });
const everywhere = (): Promise<boolean> => Promise.resolve(true);

/** Versions that go so that `neededBytes` fit in 30. */
async function going(
  copies: CachedCopy[],
  neededBytes: number,
  keptElsewhere = everywhere as (one: CachedCopy) => Promise<boolean>,
) {
  const evicted = await copiesToEvict(copies, { limitBytes: 30, neededBytes }, keptElsewhere);
  return evicted?.map(({ version }) => version);
}

describe('an image that is fetched', () => {
  it('lets all others stay where it fits', async () => {
    expect(await going([copy('a', 1), copy('b', 2)], 10)).toEqual([]);
    expect(await going([], 30)).toEqual([]);
  });

  it('takes the place of those that were not used for longest, and of no more than it needs', async () => {
    expect(await going([copy('c', 3), copy('a', 1), copy('b', 2)], 11)).toEqual(['a', 'b']);
  });

  it('takes the place of none that a machine has', async () => {
    expect(await going([copy('a', 1, true), copy('b', 2), copy('c', 3)], 10)).toEqual(['b']);
    expect(await going([copy('a', 1, true), copy('b', 2, true), copy('c', 3, true)], 10)).toBeUndefined();
  });

  it('takes the place of none that may be the last copy of the deployment', async () => {
    const isKept = (one: CachedCopy): Promise<boolean> => Promise.resolve(one.version !== 'a');
    expect(await going([copy('a', 1), copy('b', 2), copy('c', 3)], 10, isKept)).toEqual(['b']);
    expect(await going([copy('a', 1)], 25, isKept)).toBeUndefined();
  });

  it('has no place where it alone is larger than the limit, and nothing goes for it', async () => {
    expect(await going([copy('a', 1)], 31)).toBeUndefined();
  });
});
