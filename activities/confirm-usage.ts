import { randomUUID } from 'node:crypto';
import type { ConfirmAnswer } from '../domain/activities.ts';
import type { MachineActivityDependencies } from './dependencies.ts';

/** Asks the agent for its count now. One that reports over HTTP cannot be asked: its next report is the answer. */
export async function confirmUsage(
  { provider, links }: MachineActivityDependencies,
  { machineId }: { machineId: string },
  signal: AbortSignal,
): Promise<ConfirmAnswer> {
  const machine = await provider.describe(machineId, signal);
  if (machine === undefined || machine.status === 'ended') return { kind: 'unanswered' };
  if (machine.agent.kind === 'http') return { kind: 'awaitReport', id: randomUUID() };
  links.ensure(machine);
  const report = await links.confirm(machineId, signal);
  return report === undefined ? { kind: 'unanswered' } : { kind: 'answered', report };
}
