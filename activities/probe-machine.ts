import type { MachineActivityDependencies } from './dependencies.ts';

/** Whether the provider still sees the machine run. */
export async function probeMachine(
  { provider }: MachineActivityDependencies,
  { machineId }: { machineId: string },
  signal: AbortSignal,
): Promise<{ alive: boolean }> {
  const machine = await provider.describe(machineId, signal);
  return { alive: machine !== undefined && machine.status !== 'ended' };
}
