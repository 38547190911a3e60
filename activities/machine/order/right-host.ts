import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { ActivityContext } from '../../activity-context.ts';
import type { MachineActivityDependencies } from '../dependencies.ts';

/**
 * On a queue that every host of the provider serves, one that does not know a machine answers for it only when no other
 * host has it: unknown on the wrong host is never "gone". Errors: `otherHost`, until the right one takes the question.
 */
export async function requireRightHost(
  { provider, otherHostOf }: Pick<MachineActivityDependencies, 'provider' | 'otherHostOf'>,
  machineId: string,
  context: Pick<ActivityContext, 'workflowId' | 'signal'>,
): Promise<void> {
  const { workflowId } = context;
  if (otherHostOf === undefined || workflowId === undefined) return;
  if ((await provider.describe(machineId, context)) !== undefined) return;
  const other = await otherHostOf(workflowId);
  if (other === undefined) return;
  throw new ProviderError('otherHost', `${machineId} of ${workflowId} is on host "${other}", which answers for it`);
}
