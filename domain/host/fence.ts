/**
 * When a host that could not renew its lease stops its machines: before anybody may call them lost and serve their VMs
 * elsewhere. All times are seconds since the computer's boot, which no wall clock changes.
 */
import { TIMEOUTS } from '../timeouts.ts';
import { lastCallSeconds } from './state.ts';

export interface LeaseDeadline {
  /** When the machines have to stop unless the lease is renewed; null before the first lease. */
  stopAt: number | null;
  lostSeconds: number;
}

export interface FenceLook extends LeaseDeadline {
  now: number;
  /**
   * `down`: Temporal is on this very computer and does not answer, so nobody can call anything lost now. Of a server
   * elsewhere nobody here knows whether it is down or out of reach.
   */
  temporal: 'elsewhere' | 'up' | 'down';
  /** When it was seen down last; null: never. */
  downAt: number | null;
}

/** The lease was confirmed by a call that began at `at`: by then at the latest it counts. */
export function stopTime(at: number, lostSeconds: number): number {
  return at + lostSeconds - TIMEOUTS.fenceMarginSeconds;
}

export function mustStop({ now, stopAt, lostSeconds, temporal, downAt }: FenceLook): boolean {
  if (stopAt === null || now < stopAt || temporal === 'down') return false;
  // The registry gives a host its last call from when Temporal is back.
  return downAt === null || now - downAt >= lastCallSeconds(lostSeconds) - TIMEOUTS.fenceMarginSeconds;
}
