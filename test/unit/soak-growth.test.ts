import { describe, expect, it } from 'vitest';
import { growthOf } from '../../test-support/soak/growth.ts';

const TEN_PERCENT = { share: 0.1, absolute: 0 };
const everyTenSeconds = (value: (index: number) => number, count = 120): { seconds: number; value: number }[] =>
  Array.from({ length: count }, (_, index) => ({ seconds: index * 10, value: value(index) }));

describe('the trend of a soak', () => {
  it('a row that swings around the same value is flat', () => {
    const growth = growthOf(
      everyTenSeconds((index) => 200 + 40 * Math.sin(index)),
      TEN_PERCENT,
    );
    expect(growth.mean).toBeCloseTo(200, 0);
    expect(growth.flat).toBe(true);
  });

  it('a leak of 60 MB an hour under swings is found, with its slope', () => {
    const growth = growthOf(
      everyTenSeconds((index) => 100 + index / 6 + 5 * Math.sin(index)),
      TEN_PERCENT,
    );
    expect(growth.perHour).toBeCloseTo(60, -1);
    expect(growth.inWindow).toBeCloseTo(20, -1);
    expect(growth.flat).toBe(false);
  });

  it('a count may rise by its absolute tolerance, and no more', () => {
    const tolerance = { share: 0.1, absolute: 3 };
    expect(
      growthOf(
        everyTenSeconds((index) => (index < 60 ? 1 : 2)),
        tolerance,
      ).flat,
    ).toBe(true);
    expect(
      growthOf(
        everyTenSeconds((index) => index),
        tolerance,
      ).flat,
    ).toBe(false);
  });

  it('a row that falls is flat, and one nothing is promised for is not judged', () => {
    const falling = everyTenSeconds((index) => 500 - index);
    expect(growthOf(falling, TEN_PERCENT).flat).toBe(true);
    expect(growthOf(falling, null).flat).toBeNull();
  });

  it('two measurements are no trend', () => {
    expect(() =>
      growthOf(
        everyTenSeconds(() => 1, 2),
        TEN_PERCENT,
      ),
    ).toThrow('trend');
  });
});
