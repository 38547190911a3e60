import type { WebSocket } from 'ws';
import type { ApiErrorCode } from '../../domain/error-codes.ts';
import type { StreamEnd, StreamEndCode } from '../../domain/agent/streams/frames.ts';
import type { StreamRequest } from '../../domain/agent/streams/requests.ts';
import { MAX_STREAM_MESSAGE_BYTES } from '../../domain/host/stream-messages.ts';
import type { VmView } from '../../domain/vm/view.ts';
import { REMOTE_ACCESS, type RemoteAccess } from '../../domain/vm/spec.ts';
import { CONSOLE_OWNER_HEADER } from '../../domain/wire-names.ts';
import { bearerOfBefore, hostBearer } from '../../security/hosts/host-bearer.ts';
import type { ApiContext } from '../api-context.ts';
import { endpointOf, unanswered, type Endpoint } from '../hosts/host-console.ts';
import { pinnedWebSocket } from '../hosts/pinned-web-socket.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import type { VmRecord } from '../vms/seen/vm-record.ts';
import { describedVm } from '../vms/seen/vm-reply.ts';
import { HostStream } from './host-stream.ts';

const CONNECT_SECONDS = 10;
const RETRY_AFTER = { headers: { 'retry-after': '2' } };
/** States in which a machine may have an agent that answers. */
const REACHED: readonly string[] = ['booting', 'running', 'draining'];

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

/** @throws ApiProblem `upgradeRequired`. */
export function requireWebSocket({ asksForWebSocket }: { asksForWebSocket?: boolean }): void {
  if (asksForWebSocket === true) return;
  const detail = 'This path answers with a WebSocket, and the request does not ask for one';
  throw new ApiProblem('upgradeRequired', detail, { headers: { upgrade: 'websocket' } });
}

/**
 * Opens a stream to the machine of a VM. `gone`: nobody waits for it any more.
 * @throws ApiProblem with the code of what is in the way.
 */
export async function openStream(
  api: Pick<ApiContext, 'hosts' | 'bearerKeys' | 'log'>,
  { view, workflowId }: Pick<VmRecord, 'view' | 'workflowId'>,
  request: StreamRequest,
  gone: AbortSignal,
): Promise<HostStream> {
  const endpoint = await endpointFor(api, view);
  const webSocket = await connected(api, endpoint, { machineId: view.machineId, workflowId }, gone);
  const stream = await HostStream.open(webSocket, request);
  if (stream instanceof HostStream) return stream;
  throw streamProblem(stream);
}

async function endpointFor(api: Pick<ApiContext, 'hosts'>, { host, spec, machineId, name }: VmView): Promise<Endpoint> {
  if (host === undefined) {
    if (machineId === '') throw new ApiProblem('streamLost', `${name} has no machine yet`, RETRY_AFTER);
    const why = `Machines of ${spec.provider} have no channel to their agents: they report over HTTP alone`;
    throw new ApiProblem('streamsUnsupported', why);
  }
  const endpoint = await endpointOf(api, host);
  if (endpoint !== undefined) return endpoint;
  throw new ApiProblem('hostAway', `Host ${host}, which has the machine, does not say where it answers`, RETRY_AFTER);
}

async function connected(
  api: Pick<ApiContext, 'bearerKeys' | 'log'>,
  { hostId, address, fingerprint }: Endpoint,
  { machineId, workflowId }: { machineId: string; workflowId: string },
  gone: AbortSignal,
): Promise<WebSocket> {
  const path = `/internal/machines/${encodeURIComponent(machineId)}/stream`;
  const signal = AbortSignal.any([gone, AbortSignal.timeout(CONNECT_SECONDS * 1000)]);
  const ask = async (bearer: string): Promise<WebSocket | number> => {
    const headers = { authorization: `Bearer ${bearer}`, [CONSOLE_OWNER_HEADER]: workflowId };
    const asked = { address, fingerprint, path, headers, signal, maxPayload: MAX_STREAM_MESSAGE_BYTES };
    return pinnedWebSocket(asked).catch((cause: unknown): never => {
      api.log.warn({ err: cause, hostId, address }, 'a host cannot be asked for a stream');
      throw unanswered(hostId, address, cause);
    });
  };
  let answer = await ask(hostBearer(api.bearerKeys, fingerprint));
  if (answer === 401) answer = await ask(bearerOfBefore(api.bearerKeys, fingerprint));
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

/** What the end of a stream is as an answer. */
export function streamProblem({ code, detail }: StreamEnd): ApiProblem {
  const known = CODES[code];
  return new ApiProblem(known, detail, known === 'tooManyStreams' || known === 'streamLost' ? RETRY_AFTER : {});
}
