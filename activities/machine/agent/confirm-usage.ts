import { randomUUID } from 'node:crypto';
import type { ConfirmAnswer } from '../../../domain/machine/activities.ts';
import type { ActivityContext } from '../../activity-context.ts';
import type { MachineActivityDependencies } from '../dependencies.ts';
import { isAlive } from '../machine-end.ts';

/** Asks the agent for its count now. One that reports over HTTP cannot be asked: its next report is the answer. */
export async function confirmUsage(
  { provider, links }: MachineActivityDependencies,
  { machineId }: { machineId: string },
  context: ActivityContext,
): Promise<ConfirmAnswer> {
  const machine = await provider.describe(machineId, context);
  // One that is stopped has nobody to ask, and a link to it would only call it lost.
  if (!isAlive(machine)) return { kind: 'unanswered' };
  if (machine.agent.kind === 'http') return { kind: 'awaitReport', id: randomUUID() };
  links.ensure(machine);
  const report = await links.confirm(machineId, context.signal);
  return report === undefined ? { kind: 'unanswered' } : { kind: 'answered', report };
}
