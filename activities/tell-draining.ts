import { ApplicationFailure } from '@temporalio/common';
import type { MachineActivityDependencies } from './dependencies.ts';

/** Tells the agent whether to admit newcomers. An agent that reports over HTTP hears it with its next reply. */
export async function tellDraining(
  { provider, links }: MachineActivityDependencies,
  { machineId, draining }: { machineId: string; draining: boolean },
  signal: AbortSignal,
): Promise<void> {
  const machine = await provider.describe(machineId, signal);
  if (machine?.agent.kind !== 'unix' || machine.status === 'ended') return;
  links.ensure(machine);
  if (links.send(machineId, { type: 'drain', draining })) return;
  throw ApplicationFailure.create({ message: `the link to ${machineId} is not connected`, type: 'linkDown' });
}
