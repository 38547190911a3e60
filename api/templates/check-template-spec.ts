import type { Settings } from '../../config/settings.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import type { TemplateSpec } from '../../spec/spec-schemas.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { normaliseSpec } from '../vms/create/normalise-spec.ts';
import { refuseByRules } from '../vms/create/refuse-by-rules.ts';

/** Its copies in the memo and in each replica are small: a list of templates is one answer of Temporal. */
const MAX_SPEC_BYTES = 32 * 1024;

/**
 * The whole spec of a create by the name of the template alone, which names no template yet.
 * @throws ApiProblem, as a create does, where nothing could be made from it.
 */
export function checkedTemplateSpec(spec: TemplateSpec, settings: Settings): VmSpec {
  const bytes = Buffer.byteLength(JSON.stringify(spec));
  if (bytes > MAX_SPEC_BYTES) {
    throw new ApiProblem('invalidRequest', `body.spec: has ${bytes} bytes as JSON, and at most ${MAX_SPEC_BYTES} fit`);
  }
  try {
    if (spec.image === undefined) throw new ApiProblem('invalidRequest', 'body.image: needed in a template');
    const whole = normaliseSpec(spec, settings.providers);
    refuseByRules(whole, settings);
    return whole;
  } catch (error) {
    throw error instanceof ApiProblem ? ofTheSpec(error) : error;
  }
}

/** The fields of a create are those of `spec` here. */
function ofTheSpec(problem: ApiProblem): ApiProblem {
  const moved = (text: string): string => text.replaceAll(/\bbody\./g, 'body.spec.');
  const { headers, members } = problem;
  return new ApiProblem(problem.code, moved(problem.message), { headers, members, named: moved(problem.named) });
}
