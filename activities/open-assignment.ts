import type { AwaitReadyInput } from '../domain/activities.ts';
import { scriptTimeoutSeconds, type Assignment } from '../domain/assignment.ts';
import { ProviderError } from '../domain/provider-error.ts';
import { parseVmWorkflowId } from '../domain/wire-names.ts';
import type { MachineActivityDependencies } from './dependencies.ts';
import type { ActivityTry } from './run-activity.ts';
import { requireSignedAssignment } from './signed-start.ts';

/**
 * What the machine is to be told, opened here and nowhere before; null when it needs nothing. Which machine it is goes
 * by `requireOwnMachine`. Errors: `notSigned`, `sealedInputUnreadable`.
 */
export function openAssignment(
  dependencies: Pick<MachineActivityDependencies, 'openSealed' | 'verifySignature'>,
  { machineId, assign }: AwaitReadyInput,
  { askedAt, workflowId }: Pick<ActivityTry, 'askedAt' | 'workflowId'>,
): Assignment | null {
  if (assign === undefined) return null;
  const start = requireSignedAssignment(dependencies, assign, workflowId);
  const { project, name } = parseVmWorkflowId(start.workflowId) ?? {};
  const opened = dependencies.openSealed(start, assign.sealed);
  if (opened === undefined || project === undefined || name === undefined) {
    const code = 'sealedInputUnreadable';
    throw new ProviderError(code, `${code}: the sealed input of ${start.workflowId} is damaged or of another key`);
  }
  const { env, readiness } = start.spec;
  const secondsLeft = readiness.timeoutSeconds - (Date.now() - askedAt) / 1000;
  return { machineId, name, project, env, ...opened, timeoutSeconds: scriptTimeoutSeconds(secondsLeft) };
}
