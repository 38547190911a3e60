/** How a request is accepted to be done later: checked, sealed, and written down before it is answered. */
import { createHash, randomBytes } from 'node:crypto';
import { MOST_SEALED_CHARACTERS, MOST_WAITING, type AcceptedRequest } from '../../domain/request/state.ts';
import { acceptedView, type RequestView } from '../../domain/request/view.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { fieldsOf } from '../../domain/untrusted.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { PREFERENCE_APPLIED } from '../http/prefer.ts';
import { REQUEST_CONTENT_TYPE } from '../schemas/request.ts';
import type { Reply, Route, UncheckedRequest } from '../http/route.ts';
import type { SealedRequest } from './sealed-request.ts';
import { requestIn, type KnownQueue } from './request-directory.ts';
import { apiRequest, requestPath } from './request-view.ts';

/** Names of a project for which requests may wait at once. */
const MOST_NAMES_THAT_WAIT = 1000;
/** More than that waits for a worker in the history of one name: it cannot be flooded while nobody reads it. */
const MOST_UNREAD = 50;
const RETRY_AFTER_SECONDS = 10;
const ID_BYTES = 10;

/**
 * Answers 202 once the request is kept by Temporal. Sent again with its Idempotency-Key it is the same one.
 * @throws ApiProblem what the route refuses at once; `queueFull`, `idempotencyConflict`, `temporalUnavailable`.
 */
export async function acceptForLater(route: Route, input: UncheckedRequest, api: ApiContext): Promise<Reply> {
  const { caller } = input;
  if (caller === undefined || route.later === undefined)
    throw new ApiProblem('internal', 'nobody may ask for it later');
  const query = fieldsOf(input.query);
  const headers = fieldsOf(input.headers);
  if (query['wait'] !== undefined) {
    throw new ApiProblem('invalidRequest', 'query.wait: Prefer: respond-async answers before anything is waited for');
  }
  const { project } = caller;
  const given = text(headers['idempotency-key']);
  const tail = tailOf(project, given);
  // A request that is done twice is found by this key.
  const key = given ?? `later-${tail}`;
  const name = await route.later.accept({ ...input, headers: { ...headers, 'idempotency-key': key } }, api);
  const id = `${name}.${tail}`;
  const { queueTimeoutSeconds = TIMEOUTS.requestQueueSeconds, ...asked } = query;
  const what = { operation: route.operationId, params: input.params, query: asked, body: input.body };
  const fingerprint = api.sealedRequests.fingerprint(what);
  const known = await api.requests.find(project, name);
  const before = known && requestIn(known, id);
  if (before !== undefined) {
    if (before.fingerprint === fingerprint) return accepted(project, before);
    throw new ApiProblem('idempotencyConflict', 'The request with this Idempotency-Key asked for something else');
  }
  const at = api.now();
  const expiresAt = at + Number(queueTimeoutSeconds) * 1000;
  const { requestId, remoteAddress } = input;
  const sealing: SealedRequest = { ...what, key, caller, requestId, remoteAddress, expiresAt };
  const request: AcceptedRequest = {
    ...{ id, operation: route.operationId, createdBy: caller.id, fingerprint, acceptedAt: at, expiresAt },
    sealed: api.sealedRequests.seal({ workflowId: api.requests.workflowId(project, name), id }, sealing),
  };
  await refuseFull(api, project, name, known, request);
  await api.requests.accept(project, name, request);
  return accepted(project, acceptedView(request, waitingIn(known)));
}

/** The workflow itself refuses what comes at once with others; this is what a caller is told in time. */
async function refuseFull(
  api: ApiContext,
  project: string,
  name: string,
  known: KnownQueue | undefined,
  { sealed }: AcceptedRequest,
): Promise<void> {
  const unread = known?.unread.accepted ?? [];
  const waiting = waitingIn(known);
  const characters = unread.reduce((sum, one) => sum + one.sealed.length, known?.view.sealedCharacters ?? 0);
  if (waiting >= MOST_WAITING || (known?.unread.events ?? 0) >= MOST_UNREAD) {
    throw full(`${MOST_WAITING} requests for ${name} wait already`);
  }
  if (characters + sealed.length > MOST_SEALED_CHARACTERS) throw full(`What waits for ${name} is too large`);
  if (waiting > 0) return;
  if ((await api.requests.namesThatWait(project)) < MOST_NAMES_THAT_WAIT) return;
  throw full(`Requests wait for ${MOST_NAMES_THAT_WAIT} names of the project`);
}

function full(why: string): ApiProblem {
  return new ApiProblem('queueFull', why, { headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } });
}

function waitingIn(known: KnownQueue | undefined): number {
  const waiting = (known?.view.requests ?? []).filter(({ state }) => state === 'queued' || state === 'running');
  return waiting.length + (known?.unread.accepted.length ?? 0);
}

function accepted(project: string, view: RequestView): Reply {
  const body = apiRequest(project, view);
  const content = { type: REQUEST_CONTENT_TYPE, data: JSON.stringify(body) };
  return { status: 202, body, content, headers: { location: requestPath(body.id), ...PREFERENCE_APPLIED } };
}

function tailOf(project: string, key: string | undefined): string {
  if (key === undefined) return randomBytes(ID_BYTES).toString('hex');
  return createHash('sha256')
    .update(`request\n${project}\n${key}`)
    .digest('hex')
    .slice(0, 2 * ID_BYTES);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
