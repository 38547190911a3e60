import type { ActivityContext } from '../activity-context.ts';
import type { MachineActivityDependencies } from './dependencies.ts';
import { keptAtIt } from './kept-at-it.ts';

/**
 * Resolves when the machine is observed gone. Its link goes first: what it still says means nothing any more. A
 * provider that refuses for good is asked again.
 */
export async function destroyMachine(
  { provider, links, room }: MachineActivityDependencies,
  { machineId, ownedBy }: { machineId: string; ownedBy?: string },
  context: ActivityContext,
): Promise<void> {
  if (ownedBy !== undefined && !(await isStillOf(provider, machineId, ownedBy, context))) return;
  links.close(machineId);
  await keptAtIt(() => provider.destroy(machineId, context));
  room?.release(machineId);
}

/** One that is not there is destroyed as any other, so that no later create makes it. */
async function isStillOf(
  provider: MachineActivityDependencies['provider'],
  machineId: string,
  owner: string,
  context: ActivityContext,
): Promise<boolean> {
  const machine = await provider.describe(machineId, context);
  return machine === undefined || machine.labels.owner === owner;
}
