import { withLinkedSignal } from '../../lib/waiting/linked-signal.ts';
import { bearerOfBefore, hostBearer } from '../../security/hosts/host-bearer.ts';
import { OtherKey } from '../../security/hosts/pinned-connection.ts';
import type { ApiContext } from '../api-context.ts';
import { pinnedAnswer, type PinnedAnswer } from '../hosts/pinned-request.ts';
import { ApiProblem } from '../http/errors/problem.ts';

const REMOVE_SECONDS = 15;

/**
 * Removes every version of an image from one host.
 * @throws ApiProblem `machineImageInUse`, `imageHostAway`, `hostKeyMismatch`.
 */
export async function removeFromHost(
  { hosts, bearerKeys, log }: Pick<ApiContext, 'hosts' | 'bearerKeys' | 'log'>,
  hostId: string,
  image: string,
  gone: AbortSignal,
): Promise<void> {
  const { address = null, fingerprint = null } = (await hosts.find(hostId)) ?? {};
  if (address === null || fingerprint === null) throw away(`Host ${hostId} says no address at which it can be asked`);
  const path = `/internal/machine-images/${image}`;
  const ask = (bearer: string, signal: AbortSignal): Promise<PinnedAnswer> => {
    const headers = { authorization: `Bearer ${bearer}` };
    return pinnedAnswer({ address, fingerprint, method: 'DELETE', path, headers, signal }).catch((cause: unknown) => {
      log.warn({ err: cause, hostId, address }, 'an image cannot be removed from its host');
      if (cause instanceof OtherKey) {
        throw new ApiProblem('hostKeyMismatch', `What answers at ${address} is not host ${hostId}`, { cause });
      }
      throw away(`Host ${hostId} does not answer at ${address}`, cause);
    });
  };
  const answer = await withLinkedSignal(gone, REMOVE_SECONDS * 1000, async (signal) => {
    const first = await ask(hostBearer(bearerKeys, fingerprint), signal);
    // One that joined before each host had a bearer of its own.
    return first.status === 401 ? ask(bearerOfBefore(bearerKeys, fingerprint), signal) : first;
  });
  if (answer.status === 204) return;
  if (answer.status === 409) {
    throw new ApiProblem('machineImageInUse', `${hostId}: ${answer.body.toString('utf8').trim()}`);
  }
  throw away(`Host ${hostId} answers ${answer.status}`);
}

function away(detail: string, cause?: unknown): ApiProblem {
  return new ApiProblem('imageHostAway', detail, { headers: { 'retry-after': '10' }, cause });
}
