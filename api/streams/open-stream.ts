import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { ApiErrorCode } from '../../domain/error-codes.ts';
import type { StreamEnd, StreamEndCode } from '../../domain/agent/streams/frames.ts';
import type { StreamRequest } from '../../domain/agent/streams/requests.ts';
import { MAX_STREAM_MESSAGE_BYTES } from '../../domain/host/stream-messages.ts';
import type { VmView } from '../../domain/vm/view.ts';
import { REMOTE_ACCESS, type RemoteAccess } from '../../domain/vm/spec.ts';
import { CONSOLE_OWNER_HEADER } from '../../domain/wire-names.ts';
import { descriptorOf, ownSettings } from '../../providers/lookup.ts';
import { bearerOfBefore, hostBearer } from '../../security/hosts/host-bearer.ts';
import { withLinkedSignal } from '../../lib/waiting/linked-signal.ts';
import type { ApiContext } from '../api-context.ts';
import { endpointOf, unanswered, type Endpoint } from '../hosts/host-console.ts';
import { pinnedWebSocket } from '../hosts/pinned-web-socket.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import type { VmRecord } from '../vms/seen/vm-record.ts';
import { describedVm } from '../vms/seen/vm-reply.ts';
import { KeyEnded } from '../http/limits/open-requests.ts';
import { HostStream } from './host-stream.ts';

const CONNECT_SECONDS = 10;
const RETRY_AFTER = { headers: { 'retry-after': '2' } };
/** States in which a machine may have an agent that answers. */
const REACHED: readonly string[] = ['booting', 'running', 'draining'];
/** An agent whose replica of the API went away connects to another one within about that. */
const LINK_SECONDS = 6;
const LINK_LOOK_MS = 300;

/** Codes that every route with a stream may answer. */
export const STREAM_ERRORS = [
  ...['unknownVm', 'actionNotAllowed', 'remoteAccessOff', 'streamsUnsupported', 'tooManyStreams', 'streamLost'],
  ...['hostAway', 'hostKeyMismatch', 'temporalUnavailable'],
] as const satisfies readonly ApiErrorCode[];

/** A VM that lets this kind of stream in now. @throws ApiProblem. */
export async function reachableVm(
  api: ApiContext,
  project: string,
  name: string,
  kind: RemoteAccess,
): Promise<VmRecord> {
  const { record } = await describedVm(api, project, name);
  const { state, spec } = record.view;
  const allowed: readonly RemoteAccess[] = spec.remoteAccess ?? REMOTE_ACCESS;
  if (!allowed.includes(kind)) {
    throw new ApiProblem('remoteAccessOff', `The spec of ${name} allows no ${kind}: its \`remoteAccess\` lacks it`);
  }
  if (!REACHED.includes(state)) {
    throw new ApiProblem('actionNotAllowed', `${name} is ${state}; its machine is reached when it is running`, {
      named: 'booting, running or draining',
    });
  }
  return record;
}

/**
 * Opens a stream to the machine of a VM. `gone`: nobody waits for it any more.
 * @throws ApiProblem with the code of what is in the way.
 */
export async function openStream(
  api: StreamsApi,
  { view, workflowId }: Pick<VmRecord, 'view' | 'workflowId'>,
  request: StreamRequest,
  gone: AbortSignal,
): Promise<HostStream> {
  const { machineId, name } = view;
  if (gone.aborted) throw goneProblem(gone);
  if (machineId === '') throw new ApiProblem('streamLost', `${name} has no machine yet`, RETRY_AFTER);
  const machine = { machineId, workflowId };
  const webSocket = reportsOverHttp(api, view)
    ? await linked(api, view, machine, gone)
    : await connected(api, await endpointFor(api, view), machine, gone);
  const stream = await HostStream.open(webSocket, request);
  if (stream instanceof HostStream) return stream;
  throw streamProblem(stream);
}

type StreamsApi = Pick<ApiContext, 'hosts' | 'bearerKeys' | 'log' | 'replicas' | 'settings'>;

interface Machine {
  machineId: string;
  workflowId: string;
}

function reportsOverHttp({ settings }: Pick<StreamsApi, 'settings'>, { host, spec }: VmView): boolean {
  if (host === undefined) return true;
  const descriptor = descriptorOf(spec.provider);
  return descriptor.agentIdentity.link(ownSettings(settings, descriptor)) === 'http';
}

/**
 * A connection to the replica of the API that the agent is connected to. One that has just begun, or whose replica went away, is
 * waited for. @throws ApiProblem.
 */
async function linked(
  { replicas, log }: Pick<StreamsApi, 'replicas' | 'log'>,
  { name }: VmView,
  { machineId, workflowId }: Machine,
  gone: AbortSignal,
): Promise<WebSocket> {
  const linkedTo = await withLinkedSignal(gone, LINK_SECONDS * 1000, async (until) => {
    while (!until.aborted) {
      const found = await replicas.connectTo({ machineId, owner: workflowId }, until).catch((err: unknown) => {
        log.warn({ err }, 'which replicas of the API there are is not known');
        return undefined;
      });
      if (found !== undefined) return found;
      await sleep(LINK_LOOK_MS, undefined, { signal: until }).catch(() => undefined);
    }
    return undefined;
  });
  if (linkedTo === 503) {
    const why = 'The replica of the API that the agent of the VM is connected to has as many streams as it takes';
    throw new ApiProblem('tooManyStreams', why, RETRY_AFTER);
  }
  if (linkedTo !== undefined) return linkedTo;
  const why =
    `The agent of ${name} is not connected to the API now. It connects again by itself; one that never does is older than streams, ` +
    'reports over plain http from another computer, or is connected to a replica that others do not reach (EPHEMERA_API_PEER_HOST)';
  throw new ApiProblem('streamLost', why, RETRY_AFTER);
}

async function endpointFor(api: Pick<ApiContext, 'hosts'>, { host = '' }: VmView): Promise<Endpoint> {
  const endpoint = await endpointOf(api, host);
  if (endpoint !== undefined) return endpoint;
  throw new ApiProblem('hostAway', `Host ${host}, which has the machine, does not say where it answers`, RETRY_AFTER);
}

async function connected(
  api: Pick<ApiContext, 'bearerKeys' | 'log'>,
  { hostId, address, fingerprint }: Endpoint,
  { machineId, workflowId }: Machine,
  gone: AbortSignal,
): Promise<WebSocket> {
  const path = `/internal/machines/${encodeURIComponent(machineId)}/stream`;
  const ask = async (bearer: string, signal: AbortSignal): Promise<WebSocket | number> => {
    const headers = { authorization: `Bearer ${bearer}`, [CONSOLE_OWNER_HEADER]: workflowId };
    const asked = { address, fingerprint, path, headers, signal, maxPayload: MAX_STREAM_MESSAGE_BYTES };
    return pinnedWebSocket(asked).catch((cause: unknown): never => {
      api.log.warn({ err: cause, hostId, address }, 'a host cannot be asked for a stream');
      throw unanswered(hostId, address, cause);
    });
  };
  const answer = await withLinkedSignal(gone, CONNECT_SECONDS * 1000, async (signal) => {
    const answered = await ask(hostBearer(api.bearerKeys, fingerprint), signal);
    return answered === 401 ? ask(bearerOfBefore(api.bearerKeys, fingerprint), signal) : answered;
  });
  if (typeof answer !== 'number') return answer;
  if (answer === 404) {
    const why = `The worker of host ${hostId} is older than streams: upgrade it (docs/upgrading.md)`;
    throw new ApiProblem('streamsUnsupported', why);
  }
  if (answer === 503)
    throw new ApiProblem('tooManyStreams', `Host ${hostId} has as many streams as it takes`, RETRY_AFTER);
  throw new ApiProblem('hostAway', `Host ${hostId} answers ${answer} at ${address}`, RETRY_AFTER);
}

const CODES: Record<StreamEndCode, ApiErrorCode> = {
  streamsUnsupported: 'streamsUnsupported',
  tooManyStreams: 'tooManyStreams',
  portRefused: 'portRefused',
  execFailed: 'execFailed',
  ttyUnavailable: 'ttyUnavailable',
  fileNotFound: 'fileNotFound',
  fileRefused: 'fileRefused',
  streamLost: 'streamLost',
  streamIdle: 'streamLost',
  cancelled: 'streamLost',
};

/** Why a stream ended whose client waits no more, or may not any more. */
export function goneProblem(gone: AbortSignal): ApiProblem {
  const { reason } = gone as { reason: unknown };
  if (reason instanceof KeyEnded) return new ApiProblem('unauthenticated', reason.message);
  return streamProblem({ code: 'cancelled', detail: 'Nobody waits for it any more' });
}

/** What the end of a stream is as an answer. */
export function streamProblem({ code, detail }: StreamEnd): ApiProblem {
  const known = CODES[code];
  return new ApiProblem(known, detail, known === 'tooManyStreams' || known === 'streamLost' ? RETRY_AFTER : {});
}
