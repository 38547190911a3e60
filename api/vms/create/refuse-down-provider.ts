import { isProviderDown } from '../../../domain/host/down.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { descriptorOf } from '../../../providers/lookup.ts';
import type { ApiContext } from '../../api-context.ts';
import { ApiProblem } from '../../http/errors/problem.ts';

const RETRY_AFTER_SECONDS = 10;

/** What a create needs of its provider: a machine of its own, or one that may wait in a pool. */
type Need = 'newMachine' | 'anyMachine';

/**
 * Refuses what would wait for a host while all of them are gone, or for a cloud that no worker serves or that makes no machine.
 * Costs no call while any is there. @throws ApiProblem `providerUnavailable`.
 */
export async function refuseDownProvider(
  { hosts, clouds, now }: Pick<ApiContext, 'hosts' | 'clouds' | 'now'>,
  { project, spec }: { project: string; spec: Pick<VmSpec, 'provider' | 'zones'> },
  need: Need,
): Promise<void> {
  const { provider } = spec;
  if (descriptorOf(provider).placement !== 'host') {
    const down = clouds.down(project, spec);
    if (down !== undefined && !(need === 'anyMachine' && down.handsOver)) throw unavailable(down.text);
    return;
  }
  const isDown = (known: (typeof hosts)['latest']): boolean =>
    isProviderDown(
      provider,
      known.map(({ host }) => host),
      now(),
    );
  if (!isDown(hosts.latest)) return;
  // One may have come back a moment ago.
  const known = await hosts.known().catch(() => []);
  if (!isDown(known)) return;
  const named = known.filter(({ host }) => host.provider.includes(provider)).map(({ host }) => host.id);
  throw unavailable(`Every host of ${provider} is away or lost: ${named.join(', ')}`);
}

function unavailable(why: string): ApiProblem {
  return new ApiProblem('providerUnavailable', why, { headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } });
}
