import type { AwaitReadyInput } from '../../../domain/machine/activities.ts';
import { scriptTimeoutSeconds, type Assignment } from '../../../domain/agent/assignment.ts';
import { ownerNames } from '../../../domain/machine/owner.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { ActivityContext } from '../../activity-context.ts';
import type { MachineActivityDependencies } from '../dependencies.ts';
import { requireSignedAssignment } from './signed-start.ts';

const NOTHING_SECRET = { secretEnv: {}, startupScript: null } as const;

/**
 * The assignment of the machine, opened here and nowhere before; null when it needs nothing. Which machine it is goes
 * by `requireOwnMachine`. Errors: `notSigned`, `sealedInputUnreadable`.
 */
export function openAssignment(
  dependencies: Pick<MachineActivityDependencies, 'openSealed' | 'verifySignature'>,
  { machineId, assign }: AwaitReadyInput,
  { scheduledAt, workflowId }: Pick<ActivityContext, 'scheduledAt' | 'workflowId'>,
): Assignment | null {
  if (assign === undefined) return null;
  const start = requireSignedAssignment(dependencies, assign, workflowId);
  const opened = assign.sealed === null ? NOTHING_SECRET : dependencies.openSealed(start, assign.sealed);
  if (opened === undefined) {
    const code = 'sealedInputUnreadable';
    throw new ProviderError(code, `${code}: the sealed input of ${start.workflowId} is damaged or of another key`);
  }
  const { project, vm: name } = ownerNames(start.workflowId);
  const { env, readiness } = start.spec;
  const secondsLeft = readiness.timeoutSeconds - (Date.now() - scheduledAt) / 1000;
  return { machineId, name, project, env, ...opened, timeoutSeconds: scriptTimeoutSeconds(secondsLeft) };
}
