import type { AwaitReadyInput } from '../domain/activities.ts';
import { scriptTimeoutSeconds, type Assignment } from '../domain/assignment.ts';
import { ProviderError } from '../domain/provider-error.ts';
import type { MachineActivityDependencies } from './dependencies.ts';

/**
 * What the machine is to be told, opened here and nowhere before; null when it needs nothing. `askedAt`: since when the
 * machine is waited for, epoch ms. Errors: `sealedInputUnreadable`.
 */
export function openAssignment(
  { openSealed }: Pick<MachineActivityDependencies, 'openSealed'>,
  { machineId, readiness, assign }: AwaitReadyInput,
  askedAt: number,
): Assignment | null {
  if (assign === undefined) return null;
  const { project, name, env, sealed } = assign;
  const opened = openSealed({ project, name }, sealed);
  if (opened === undefined) {
    const code = 'sealedInputUnreadable';
    throw new ProviderError(code, `${code}: the sealed input of ${name} is damaged or of another key`);
  }
  const secondsLeft = readiness.timeoutSeconds - (Date.now() - askedAt) / 1000;
  return { machineId, name, project, env, ...opened, timeoutSeconds: scriptTimeoutSeconds(secondsLeft) };
}
