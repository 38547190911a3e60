import { ApplicationFailure } from '@temporalio/common';
import type { ActivityContext } from '../../activity-context.ts';
import type { MachineActivityDependencies } from '../dependencies.ts';
import { isAlive } from '../machine-end.ts';

/** Tells the agent whether to admit newcomers. An agent that reports over HTTP gets it with its next reply. */
export async function tellDraining(
  { provider, links }: MachineActivityDependencies,
  { machineId, draining }: { machineId: string; draining: boolean },
  context: ActivityContext,
): Promise<void> {
  const machine = await provider.describe(machineId, context);
  if (!isAlive(machine) || machine.agent.kind !== 'unix') return;
  links.ensure(machine);
  // One that was given up must not tell of a drain that was taken back since.
  await context.confirm();
  if (links.send(machineId, { type: 'drain', draining })) return;
  throw ApplicationFailure.create({ message: `the link to ${machineId} is not connected`, type: 'linkDown' });
}
