/** What the deployment itself does not allow, whatever its providers can; refused before anything is created. */
import type { Settings } from '../../config/settings.ts';
import { refusedChoice } from '../../domain/gcp-rules.ts';
import { ProviderError } from '../../domain/provider-error.ts';
import type { VmSpec } from '../../domain/vm-spec.ts';
import { ApiProblem } from '../http/problem.ts';

/** @throws ApiProblem `optionNotAllowed`, or `invalidRequest` for a machine type that cannot exist */
export function refuseByRules(spec: VmSpec, { gcp }: Pick<Settings, 'gcp'>): void {
  if (spec.provider !== 'gcp') return;
  const refused = orInvalid(() => refusedChoice(spec, gcp.rules, gcp.project));
  if (refused !== undefined) throw new ApiProblem('optionNotAllowed', `body.${refused.field}: ${refused.problem}`);
}

function orInvalid<Value>(check: () => Value): Value {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    throw new ApiProblem('invalidRequest', error.message.replace(/^field /, 'body.'));
  }
}
