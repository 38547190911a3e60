/** What the deployment itself does not allow, whatever its providers can; refused before anything is created. */
import type { Settings } from '../../../config/settings.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { descriptorOf, ownSettings } from '../../../providers/lookup.ts';
import { ApiProblem } from '../../http/errors/problem.ts';

/** @throws ApiProblem with the code that the provider's rules give, such as `optionNotAllowed` */
export function refuseByRules(spec: VmSpec, settings: Settings): void {
  const descriptor = descriptorOf(spec.provider);
  const refused = descriptor.refuse(spec, ownSettings(settings, descriptor));
  if (refused !== undefined) throw new ApiProblem(refused.code, `body.${refused.field}: ${refused.problem}`);
}
