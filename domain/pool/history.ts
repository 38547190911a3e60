/** How the numbers of a pool went: kept by its workflow, so that every replica of the API tells the same. JSON only. */
import type { PoolView } from './view.ts';

/** Older changes are forgotten. */
export const HISTORY_HOURS = 12;
/** Of what changes within so long, the last is kept. */
export const HISTORY_STEP_SECONDS = 60;

/** Epoch seconds, then the numbers from then on. A tuple: hundreds of them go from run to run. */
export type PoolSample = readonly [
  at: number,
  desired: number,
  ready: number,
  inFlight: number,
  claimed: number,
  missed: number,
  failed: number,
];

type PoolNumbers = Pick<PoolView, 'desired' | 'ready' | 'inFlight' | 'claimed' | 'missed' | 'failed'>;

/**
 * The history with what the pool is like at `at` (epoch ms), the oldest sample first. Where nothing has changed there is nothing to
 * add. The first sample may be older than the hours that are kept: it says how the pool was when they began.
 */
export function sampled(history: readonly PoolSample[], pool: PoolNumbers, at: number): readonly PoolSample[] {
  const { desired, ready, inFlight, claimed, missed, failed } = pool;
  const seconds = Math.floor(at / 1000);
  const sample: PoolSample = [seconds, desired, ready, inFlight, claimed, missed, failed];
  const last = history.at(-1);
  if (last !== undefined && isAlike(last, sample)) return history;
  const isSameStep = last !== undefined && stepOf(last[0]) === stepOf(seconds);
  const earlier = isSameStep ? history.slice(0, -1) : history;
  const oldest = seconds - HISTORY_HOURS * 3600;
  const begin = Math.max(
    0,
    earlier.findLastIndex(([time]) => time <= oldest),
  );
  return [...earlier.slice(begin), sample];
}

function stepOf(seconds: number): number {
  return Math.floor(seconds / HISTORY_STEP_SECONDS);
}

function isAlike(one: PoolSample, other: PoolSample): boolean {
  return one.every((number, index) => index === 0 || number === other[index]);
}
