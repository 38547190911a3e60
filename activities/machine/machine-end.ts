import { ApplicationFailure } from '@temporalio/common';
import type { CallContext, Machine, MachineEndCause, MachineProvider } from '../../domain/machine/provider.ts';

/** False for a machine that the provider does not see, that ended by itself, or is stopped. */
export function isAlive(machine: Machine | undefined): machine is Machine {
  return machine?.status === 'running' || machine?.status === 'starting';
}

/** Why the provider took a machine away. One that cannot be asked now tells nothing: the machine is gone all the same. */
export async function endCauseOf(
  provider: MachineProvider,
  machineId: string,
  call: CallContext,
): Promise<MachineEndCause | undefined> {
  try {
    return await provider.endCause?.(machineId, call);
  } catch (error) {
    if (call.signal.aborted) throw error;
    return undefined;
  }
}

/** The failure of an activity whose machine the provider took away: its type is the cause, and it is not tried again. */
export function takenAway(machineId: string, cause: MachineEndCause): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`the provider took ${machineId} back before it was ready`, cause);
}
