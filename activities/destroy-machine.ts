import type { MachineActivityDependencies } from './dependencies.ts';

/** Resolves when the machine is observed gone. Its link goes first: what it still says means nothing any more. */
export async function destroyMachine(
  { provider, links }: MachineActivityDependencies,
  { machineId }: { machineId: string },
  signal: AbortSignal,
): Promise<void> {
  links.close(machineId);
  await provider.destroy(machineId, signal);
}
