import { ApplicationFailure } from '@temporalio/common';
import type { Machine, MachineEndCause, MachineProvider } from '../domain/machine-provider.ts';

/** False for a machine that the provider does not see, or that ended by itself. */
export function isAlive(machine: Machine | undefined): machine is Machine {
  return machine !== undefined && machine.status !== 'ended';
}

/** Why the provider took a machine away. One that cannot be asked now tells nothing: the machine is gone all the same. */
export async function endCauseOf(
  provider: MachineProvider,
  machineId: string,
  signal: AbortSignal,
): Promise<MachineEndCause | undefined> {
  try {
    return await provider.endCause?.(machineId, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
}

/** The failure of an activity whose machine the provider took away: its type is the cause, and it is not tried again. */
export function takenAway(machineId: string, cause: MachineEndCause): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`the provider took ${machineId} back before it was ready`, cause);
}
