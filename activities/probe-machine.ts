import type { ProbeAnswer } from '../domain/activities.ts';
import type { MachineActivityDependencies } from './dependencies.ts';
import { endCauseOf, isAlive } from './machine-end.ts';

/** Whether the provider still sees the machine run, and if not, why it took it away where it did. */
export async function probeMachine(
  { provider }: MachineActivityDependencies,
  { machineId }: { machineId: string },
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  if (isAlive(await provider.describe(machineId, signal))) return { alive: true };
  const cause = await endCauseOf(provider, machineId, signal);
  return { alive: false, ...(cause === undefined ? {} : { cause }) };
}
