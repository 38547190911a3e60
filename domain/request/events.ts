import type { AcceptedRequest, RequestOutcome } from './state.ts';

/** Everything that can happen to the requests of a name; `at` is workflow time, epoch ms. */
export type RequestQueueEvent =
  /** Again for one that is known changes nothing. */
  | { kind: 'accepted'; at: number; request: AcceptedRequest }
  | { kind: 'cancelRequested'; at: number; id: string }
  /** The API is asked to do it. */
  | { kind: 'begun'; at: number; id: string }
  | { kind: 'outcome'; at: number; id: string; outcome: RequestOutcome }
  /** Time went by. */
  | { kind: 'clock'; at: number };

export const REQUEST_EVENT_KINDS = [
  ...(['accepted', 'cancelRequested', 'begun', 'outcome', 'clock'] as const),
] as const satisfies readonly RequestQueueEvent['kind'][];
