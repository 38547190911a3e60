import type { ProbeAnswer } from '../domain/activities.ts';
import { ProviderError } from '../domain/provider-error.ts';
import type { MachineActivityDependencies } from './dependencies.ts';
import { endCauseOf, isAlive } from './machine-end.ts';

/**
 * Whether the provider still sees the machine run, and if not, why it took it away where it did. An agent that cannot
 * report because the API is away is not silent by itself: then this is asked again until the API answers, and the grace
 * of its VM does not begin before. Errors: `apiUnreachable`.
 */
export async function probeMachine(
  { provider, links, apiAnswers }: MachineActivityDependencies,
  { machineId }: { machineId: string },
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const machine = await provider.describe(machineId, signal);
  if (isAlive(machine)) {
    // Perhaps its agent is silent because nobody listens.
    links.ensure(machine);
    if (machine.agent.kind === 'http' && apiAnswers !== undefined && !(await apiAnswers(signal))) {
      throw new ProviderError('apiUnreachable', 'the API does not answer where machines reach it: no agent can report');
    }
    return { alive: true };
  }
  const cause = await endCauseOf(provider, machineId, signal);
  return { alive: false, ...(cause === undefined ? {} : { cause }) };
}
