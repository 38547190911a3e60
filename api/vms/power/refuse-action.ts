import type { ProviderCapabilities } from '../../../domain/machine/provider-capabilities.ts';
import { ApiProblem } from '../../http/errors/problem.ts';
import { NEEDED_CAPABILITY } from '../seen/vm-actions.ts';
import type { PowerAction } from './ask-power.ts';

/** @throws ApiProblem `unsupportedAction` that names the capability which the provider lacks. */
export function refuseUnsupportedAction(
  { name, capabilities }: { name: string; capabilities: Pick<ProviderCapabilities, 'stop' | 'suspend' | 'close'> },
  action: PowerAction,
): void {
  const capability = NEEDED_CAPABILITY[action];
  if (capabilities[capability]) return;
  throw new ApiProblem(
    'unsupportedAction',
    `${name} does not support ${action}: it lacks the capability ${capability}`,
  );
}
