import { CONSOLE_OWNER_HEADER, CONSOLE_VM_HEADER } from '../../domain/wire-names.ts';
import type { VmView } from '../../domain/vm/view.ts';
import { hostPort } from '../../lib/network/host-port.ts';
import { withLinkedSignal } from '../../lib/waiting/linked-signal.ts';
import { bearerOfBefore, hostBearer } from '../../security/hosts/host-bearer.ts';
import { OtherKey } from '../../security/hosts/pinned-connection.ts';
import { readInternalIdentity } from '../../security/hosts/internal-identity.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import type { VmRecord } from '../vms/seen/vm-record.ts';
import { pinnedAnswer, type PinnedAnswer } from './pinned-request.ts';

const CONSOLE_SECONDS = 5;
/** Of a cloud, that are asked one after the other while none answers. */
const MOST_WORKERS = 3;
const RETRY_AFTER = { headers: { 'retry-after': '10' } };

/**
 * Console output of a machine from the host that has it; undefined when there is none.
 * @throws ApiProblem `hostAway` while that host cannot be asked, `hostKeyMismatch` where somebody else answers for it.
 */
export async function consoleOf(
  api: Pick<ApiContext, 'hosts' | 'bearerKeys' | 'log' | 'settings'>,
  { view, workflowId }: Pick<VmRecord, 'view' | 'workflowId'>,
  gone: AbortSignal,
): Promise<Uint8Array | undefined> {
  const { machineId } = view;
  const endpoints = machineId === '' ? [] : await endpointsFor(api, view);
  let failure: ApiProblem | undefined;
  for (const endpoint of endpoints) {
    try {
      const text = await consoleFrom(api, endpoint, { machineId, workflowId }, gone);
      if (text !== undefined) return text;
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}

async function consoleFrom(
  api: Pick<ApiContext, 'bearerKeys' | 'log'>,
  { hostId, address, fingerprint }: Endpoint,
  { machineId, workflowId }: { machineId: string; workflowId: string },
  gone: AbortSignal,
): Promise<Uint8Array | undefined> {
  // Whose machine it is, the host knows: the view is a claim of the workflow.
  const owner = { [CONSOLE_OWNER_HEADER]: workflowId, [CONSOLE_VM_HEADER]: workflowId };
  const path = `/internal/machines/${encodeURIComponent(machineId)}/console`;
  const ask = async (bearer: string, signal: AbortSignal): Promise<PinnedAnswer> => {
    const headers = { authorization: `Bearer ${bearer}`, ...owner };
    return pinnedAnswer({ address, fingerprint, path, headers, signal }).catch((cause: unknown): never => {
      api.log.warn({ err: cause, hostId, address }, 'a console cannot be read from its host');
      throw unanswered(hostId, address, cause);
    });
  };
  return withLinkedSignal(gone, CONSOLE_SECONDS * 1000, async (signal) => {
    let answer = await ask(hostBearer(api.bearerKeys, fingerprint), signal);
    // One that joined before, or of whose key the registry tells a lie: what it learns is good for that key alone.
    if (answer.status === 401) answer = await ask(bearerOfBefore(api.bearerKeys, fingerprint), signal);
    return bodyOf(hostId, address, answer);
  });
}

export interface Endpoint {
  hostId: string;
  address: string;
  fingerprint: string;
}

async function endpointsFor(
  api: Pick<ApiContext, 'hosts' | 'log' | 'settings'>,
  { host, spec }: Pick<VmView, 'host' | 'spec'>,
): Promise<Endpoint[]> {
  if (host === undefined) return cloudEndpoints(api, spec.provider);
  const endpoint = await endpointOf(api, host);
  return endpoint === undefined ? [] : [endpoint];
}

/** Machines of a cloud are on no host: the worker beside this API reads their consoles, or any that serves them. */
async function cloudEndpoints(
  { hosts, settings, log }: Pick<ApiContext, 'hosts' | 'log' | 'settings'>,
  provider: string,
): Promise<Endpoint[]> {
  const fingerprint = readInternalIdentity(settings.stateDir)?.fingerprint;
  const { internalHost, internalPort } = settings.worker;
  const beside = { hostId: settings.hostId, address: hostPort(internalHost, internalPort) };
  const own = fingerprint === undefined ? [] : [{ ...beside, fingerprint }];
  const found = await hosts.cloudConsoles(provider).catch((err: unknown) => {
    log.warn({ err, provider }, 'which workers show consoles of this provider is not known');
    return [];
  });
  const others = found.filter((other) => other.fingerprint !== fingerprint);
  const named = others.map((other) => ({ ...other, hostId: `of ${provider} at ${other.address}` }));
  return [...own, ...named].slice(0, MOST_WORKERS);
}

/** Where a host of the registry answers; undefined where it does not say. @throws ApiProblem `hostAway`. */
export async function endpointOf({ hosts }: Pick<ApiContext, 'hosts'>, hostId: string): Promise<Endpoint | undefined> {
  const known = await hosts.find(hostId);
  if (known === undefined) return undefined;
  const { host, address, fingerprint } = known;
  if (host.state === 'away' || host.state === 'lost') {
    throw new ApiProblem('hostAway', `Host ${hostId}, which has the machine, is ${host.state}`, RETRY_AFTER);
  }
  return address === null || fingerprint === null ? undefined : { hostId, address, fingerprint };
}

export function unanswered(hostId: string, address: string, cause: unknown): ApiProblem {
  if (cause instanceof OtherKey) {
    return new ApiProblem('hostKeyMismatch', `What answers at ${address} is not host ${hostId}`, { cause });
  }
  const detail = `Host ${hostId}, which has the machine, does not answer at ${address}`;
  return new ApiProblem('hostAway', detail, { ...RETRY_AFTER, cause });
}

function bodyOf(hostId: string, address: string, { status, body }: PinnedAnswer): Uint8Array | undefined {
  if (status === 200) return body;
  if (status === 404) return undefined;
  if (status === 401) {
    const why = `Host ${hostId} does not know this API: its version or its key is not the one with which it joined`;
    throw new ApiProblem('hostAway', why, RETRY_AFTER);
  }
  throw new ApiProblem('hostAway', `Host ${hostId} answers ${status} at ${address}`, RETRY_AFTER);
}
