import { ActivityFailure, ApplicationFailure, isCancellation, rootCause, TimeoutFailure } from '@temporalio/workflow';
import { blamesSpec } from '../../domain/machine/spec-blame.ts';
import { isMachineEndCause, type MachineEndCause } from '../../domain/machine/provider.ts';

/** Why something failed; `cause`: why the provider took the machine away by itself. */
export interface Failed {
  detail: string;
  cause?: MachineEndCause;
  /** Of a spec that no other try could make a machine of. */
  terminal?: true;
  /** It timed out without a host: none took it, or the one that had it sent no heartbeat any more. */
  unheard?: true;
}

/** What an activity failed of. A cancellation, and what is no failure of an activity, passes. */
export function failureOf(error: unknown): Failed {
  if (isCancellation(error)) throw error;
  if (!(error instanceof ActivityFailure)) throw error;
  const detail = rootCause(error) ?? error.message;
  const failure = error.cause instanceof ApplicationFailure ? error.cause : undefined;
  const cause = failure?.type;
  const isTerminal = failure?.nonRetryable === true && blamesSpec(cause);
  return {
    detail,
    ...(isMachineEndCause(cause) ? { cause } : {}),
    ...(isTerminal ? { terminal: true } : {}),
    ...(wasUnheard(error.cause) ? { unheard: true } : {}),
  };
}

function wasUnheard(cause: unknown): boolean {
  if (!(cause instanceof TimeoutFailure)) return false;
  const { timeoutType, lastHeartbeatDetails, cause: last } = cause;
  if (timeoutType === 'SCHEDULE_TO_START' || timeoutType === 'HEARTBEAT') return true;
  if (timeoutType !== 'SCHEDULE_TO_CLOSE') return false;
  // The failure of the last try decides; where there is none, details say that a host sent heartbeats.
  return last === undefined ? lastHeartbeatDetails === undefined : wasUnheard(last);
}
