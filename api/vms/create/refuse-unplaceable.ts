import { noMatchingHostText } from '../../../domain/capacity/waiting-create.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { descriptorOf } from '../../../providers/lookup.ts';
import type { ApiContext } from '../../api-context.ts';
import { ApiProblem } from '../../http/errors/problem.ts';

/**
 * Refuses what no host of the registry can ever take by its zone and labels, instead of letting it wait. While no host is
 * known the create waits for one. @throws ApiProblem `noMatchingHost`
 */
export async function refuseUnplaceable(api: ApiContext, spec: VmSpec): Promise<void> {
  const isAnywhere = spec.zones.length === 0 && spec.hostSelector === undefined;
  if (isAnywhere || descriptorOf(spec.provider).placement !== 'host') return;
  // Without an answer it is started, and the hosts themselves say what is wrong.
  const hosts = await api.hosts.list().catch(() => []);
  const why = noMatchingHostText(
    spec,
    hosts.filter(({ provider }) => provider.includes(spec.provider)),
  );
  if (why !== undefined) throw new ApiProblem('noMatchingHost', why);
}
