import { describe, expect, it } from 'vitest';
import { estimateUsd, withOwnPrices, type PriceList } from '../../../../domain/cost/prices.ts';

const LIST: PriceList = {
  region: 'r',
  readOn: '2026-11-30',
  source: 'a page',
  machineHourUsd: { small: 0.02, large: 0.08 },
  diskGbMonthUsd: 0.073,
  whileStopped: 'disk',
};
const HOUR = 3600;
const use = (runningSeconds: number, stoppedSeconds: number, diskGb = 10) =>
  ({ machineType: 'small', diskGb, runningSeconds, stoppedSeconds }) as const;

describe('what a machine costs', () => {
  it('is its hours, and its disk as long as that is there', () => {
    // 10 GB for 730 hours are 0.73, so an hour of them is 0.001.
    expect(estimateUsd(use(HOUR, 0), LIST)).toBeCloseTo(0.021);
    expect(estimateUsd(use(2 * HOUR, 3 * HOUR), LIST)).toBeCloseTo(0.045);
    expect(estimateUsd(use(HOUR / 2, 0, 0), LIST)).toBeCloseTo(0.01);
    expect(estimateUsd(use(0, 0), LIST)).toBe(0);
  });

  it('is the same while it is stopped, where the cloud says so', () => {
    const list: PriceList = { ...LIST, diskGbMonthUsd: 0, whileStopped: 'all' };
    expect(estimateUsd(use(HOUR, 4 * HOUR), list)).toBeCloseTo(0.1);
  });

  it('is not guessed where a price is missing', () => {
    expect(estimateUsd({ ...use(HOUR, 0), machineType: 'huge' }, LIST)).toBeUndefined();
    expect(estimateUsd({ ...use(HOUR, 0), machineType: 'constructor' }, LIST)).toBeUndefined();
    expect(estimateUsd(use(HOUR, 0), { ...LIST, diskGbMonthUsd: null })).toBeUndefined();
  });

  it('goes by the own prices of a deployment before any list', () => {
    const own = withOwnPrices(LIST, { machineHourUsd: { small: 0.01, mine: 1 }, diskGbMonthUsd: 0 });
    expect(estimateUsd(use(HOUR, 0), own)).toBeCloseTo(0.01);
    expect(estimateUsd({ ...use(HOUR, 0), machineType: 'mine' }, own)).toBeCloseTo(1);
    expect(estimateUsd({ ...use(HOUR, 0, 0), machineType: 'large' }, own)).toBeCloseTo(0.08);
    expect(withOwnPrices(LIST, undefined)).toBe(LIST);
    expect(withOwnPrices(LIST, { machineHourUsd: {} }).diskGbMonthUsd).toBe(0.073);
  });
});
