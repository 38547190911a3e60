/** What the provider of a cloud consists of shares. */
import type { CancelSignal } from '../../domain/machine/provider.ts';
import type { BackOff, CallSettings } from './api-calls.ts';
import type { Cloud } from './cloud.ts';
import type { OneAtATime } from './one-at-a-time.ts';
import type { ServerWatch } from './server-watch.ts';
import type { Tombstones } from './tombstones.ts';

export interface CloudParts {
  cloud: Cloud;
  deployment: string;
  pollMs: number;
  settleMs: number;
  backOff: BackOff;
  tombstones: Tombstones;
  /** What begins or changes a machine; an end of it waits for nobody. */
  inTurn: OneAtATime;
  watch: ServerWatch;
  /** Of machines that are being destroyed: what is left of the call budget for them is not for others. */
  watchOfEnds: ServerWatch;
}

export function ongoing(signal: CancelSignal): CallSettings {
  return { purpose: 'ongoing', signal };
}

/** What is called once per try: what comes after a failure is for the caller to find out. */
export function once(signal: CancelSignal): CallSettings {
  return { purpose: 'ongoing', signal, once: true };
}

export function destroying(signal: CancelSignal): CallSettings {
  return { purpose: 'destroy', signal };
}
