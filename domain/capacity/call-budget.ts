/**
 * How many calls a second a provider gets, and who goes first: pure. One token bucket for each provider. Destroys go
 * before everything else and may use all of it; the last part of the bucket is theirs alone. Work that has begun goes
 * before machines that are still to be made, so that what was started also ends.
 */

/** `ongoing`: calls of what has begun, probes and lists. `starting`: creates, and looks at machines that boot. */
export type CallPurpose = 'destroy' | 'ongoing' | 'starting';

/** In the order in which they are served. */
export const CALL_PURPOSES: readonly CallPurpose[] = ['destroy', 'ongoing', 'starting'];

export interface CallRate {
  callsPerSecond: number;
  /** Calls that may be made at once after a quiet time; 2 or more. */
  burst: number;
  /** The part of the burst that only destroys may use, 0 to 1. */
  reservedForDestroys: number;
}

const RESERVED_FOR_DESTROYS = 0.25;

const MIN_BURST = 4;

/** What was set, else the provider's default. A burst that was not set shrinks with the rate. */
export function callRateWith(
  known: Pick<CallRate, 'callsPerSecond' | 'burst'>,
  set: { callsPerSecond?: number; burst?: number } = {},
): CallRate {
  const callsPerSecond = set.callsPerSecond ?? known.callsPerSecond;
  const burst = set.burst ?? Math.round((known.burst * callsPerSecond) / known.callsPerSecond);
  return { callsPerSecond, burst: Math.max(MIN_BURST, burst), reservedForDestroys: RESERVED_FOR_DESTROYS };
}

/** What the bucket held at a time, in ms of any clock. */
export interface CallTokens {
  left: number;
  at: number;
}

export function refilled({ callsPerSecond, burst }: CallRate, { left, at }: CallTokens, now: number): CallTokens {
  return { left: Math.min(burst, left + (Math.max(0, now - at) / 1000) * callsPerSecond), at: now };
}

/** Whether a call may be made now without touching what is reserved for others. */
export function mayCall({ burst, reservedForDestroys }: CallRate, { left }: CallTokens, purpose: CallPurpose): boolean {
  const floor = purpose === 'destroy' ? 0 : burst * reservedForDestroys;
  // Refills add up fractions: a token that is almost there is there.
  return left - 1 >= floor - 1e-9;
}

/** How long `calls` calls take at this rate, in ms. */
export function msForCalls({ callsPerSecond }: CallRate, calls: number): number {
  return (calls / callsPerSecond) * 1000;
}

/** What a person reads while a call waits. */
export function callWaitText({ callsPerSecond }: CallRate, ahead: number): string {
  const before = ahead === 0 ? 'it is the next one' : `${ahead} ${ahead === 1 ? 'waits' : 'wait'} before it`;
  return `waiting for the provider's call budget of ${callsPerSecond} calls a second; ${before}`;
}
