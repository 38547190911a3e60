import { ApplicationFailure } from '@temporalio/common';
import type { ProviderErrorCode } from '../../../domain/machine/error-codes.ts';
import type { ProbeAnswer, ProbeMachineInput } from '../../../domain/machine/activities.ts';
import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { ActivityContext } from '../../activity-context.ts';
import type { MachineActivityDependencies } from '../dependencies.ts';
import { endCauseOf, isAlive } from '../machine-end.ts';

/**
 * Whether the provider still sees the machine run, and if not, why it took it away where it did. An agent that cannot
 * report because the API is away is not silent by itself: then this is asked again until the API answers, and the grace
 * of its VM does not begin before. Errors: `apiUnreachable`.
 */
export async function probeMachine(
  { provider, links, apiReachableSeconds }: MachineActivityDependencies,
  { machineId, reachableSeconds = 0 }: ProbeMachineInput,
  context: ActivityContext,
): Promise<ProbeAnswer> {
  const machine = await provider.describe(machineId, context);
  if (isAlive(machine)) {
    // Perhaps its agent is silent because nobody listens.
    links.ensure(machine);
    if (machine.agent.kind === 'http' && apiReachableSeconds !== undefined) {
      await requireApi(apiReachableSeconds, reachableSeconds);
    }
    return { alive: true };
  }
  const cause = await endCauseOf(provider, machineId, context);
  return { alive: false, ...(cause === undefined ? {} : { cause }) };
}

const UNREACHABLE: ProviderErrorCode = 'apiUnreachable';

/** Whoever has to wait comes again when the time would be over. Errors: `apiUnreachable`. */
async function requireApi(reachableFor: () => Promise<number | null>, seconds: number): Promise<void> {
  const found = await reachableFor();
  if (found === null) {
    throw new ProviderError(UNREACHABLE, 'the API does not answer where machines reach it: no agent can report');
  }
  if (found >= seconds) return;
  throw ApplicationFailure.create({
    message: `the API answers for ${Math.floor(found)} s where machines reach it; silence counts from ${seconds} s on`,
    type: UNREACHABLE,
    nextRetryDelay: Math.ceil((seconds - found) * 1000) + 100,
  });
}
