import { ApplicationFailure } from '@temporalio/common';
import type { CallProgress } from '../domain/machine-provider.ts';
import { ProviderError } from '../domain/provider-error.ts';
import type { MachineActivityDependencies } from './dependencies.ts';

/**
 * Resolves when the machine is observed gone. Its link goes first: what it still says means nothing any more. A
 * provider that refuses for good is asked again all the same: a permission may come back, a leak would stay.
 */
export async function destroyMachine(
  { provider, links, room }: MachineActivityDependencies,
  { machineId }: { machineId: string },
  signal: AbortSignal,
  progress: CallProgress,
): Promise<void> {
  links.close(machineId);
  try {
    await provider.destroy(machineId, signal, progress);
    room?.release(machineId);
  } catch (error) {
    if (!(error instanceof ProviderError) || !error.terminal) throw error;
    throw ApplicationFailure.retryable(error.message, error.code);
  }
}
