/**
 * Does one request that was accepted for later, by the handler of its route: the same rules as at once. A replica may die
 * at any point of it and another one begin it again, so what it is about is noted before anything is asked.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestOrder } from '../../domain/request/activities.ts';
import { requestProblem } from '../../domain/request/problem.ts';
import type { RequestOutcome, RequestResult } from '../../domain/request/state.ts';
import { TIMEOUT_LIMITS, TIMEOUTS } from '../../domain/timeouts.ts';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import type { ApiContext } from '../api-context.ts';
import { NO_BROWSER } from '../browser/browser-request.ts';
import { audit, type Attempt } from '../http/log/audit.ts';
import { requireRole } from '../http/authenticate.ts';
import { problemOf } from '../http/errors/error-handler.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import type { MadeForLater, Reply, Route, UncheckedRequest } from '../http/route.ts';
import type { DescribedVm } from '../vms/seen/vm-directory.ts';
import { sealedRequestSchema, type SealedRequest } from './sealed-request.ts';

/** Problems that pass: the request waits for that, and keeps its place. */
const PASSING = ['temporalUnavailable', 'vmEnding', 'hostAway', 'notReady', 'rateLimited', 'providerUnavailable'];
/** States that a VM leaves by itself. */
const ON_ITS_WAY: readonly string[] = [
  ...['creating', 'booting', 'stopping', 'imaging', 'starting', 'suspending', 'resuming', 'destroying'],
];
const LOOK_MS = { first: 200, last: 2000 } as const;

/** The answer of a request, with the image that it made. */
type Done = Reply & { image?: MadeForLater };

/** One try of a request, as Temporal hands it to a replica. */
export interface Try {
  /** The life of the name that an earlier try was about: '' for none; undefined: no try has found that out. */
  noted: string | undefined;
  /** Resolves once Temporal keeps it for the next try. */
  note: (uid: string) => Promise<void>;
  /** Aborts when this replica may not go on: another one takes the request. */
  gone: AbortSignal;
}

/** Rejects only when the try was cut off. */
export async function doRequest(
  api: ApiContext,
  routes: readonly Route[],
  order: RequestOrder,
  attempt: Try,
): Promise<RequestOutcome> {
  const request = opened(api, order);
  const route = request && routes.find(({ operationId, later }) => operationId === request.operation && later);
  if (request === undefined || route === undefined) {
    const text = 'What is kept of the request carries no seal of this deployment for it';
    return { kind: 'failed', problem: requestProblem('requestUnreadable', text) };
  }
  let life = attempt.noted;
  const note = async (uid: string): Promise<void> => {
    await attempt.note(uid);
    life = uid;
  };
  const outcome = await tried(api, route, { order, request, attempt: { ...attempt, note } }).catch((error: unknown) => {
    attempt.gone.throwIfAborted();
    const problem = problemOf(error);
    if (problem.code === 'internal') api.log.error({ err: error, request: order.id }, 'a request for later failed');
    return problem;
  });
  attempt.gone.throwIfAborted();
  if (outcome instanceof ApiProblem && PASSING.includes(outcome.code)) {
    // It may have been done all the same: the next try finds out what became of that life.
    return { kind: 'putOff', problem: problemText(outcome), ...(life === undefined ? {} : { life }) };
  }
  write(api, route, { order, request, outcome });
  return outcome instanceof ApiProblem
    ? { kind: 'failed', problem: problemText(outcome) }
    : { kind: 'done', result: resultOf(outcome) };
}

interface Doing {
  order: RequestOrder;
  request: SealedRequest;
  attempt: Try;
}

function opened(api: ApiContext, { project, name, id, sealed }: RequestOrder): SealedRequest | undefined {
  const place = { workflowId: api.requests.workflowId(project, name), id };
  return sealedRequestSchema.safeParse(api.sealedRequests.open(place, sealed)).data;
}

/** What the request is answered with, once its VM has come to rest. */
async function tried(api: ApiContext, route: Route, doing: Doing): Promise<Done> {
  const { order, request, attempt } = doing;
  refuseLate(api, request, attempt);
  const { project, name } = order;
  const holder = api.keys.holder(request.caller.id);
  if (holder?.project !== project || route.access === 'public' || route.access === 'agent') {
    throw new ApiProblem('unauthenticated', `The API key ${request.caller.id} is revoked or expired`);
  }
  requireRole(holder, route.access);
  const before = await api.directory.describe(project, name);
  const uid = before?.record.closed === false ? before.record.view.uid : '';
  if (attempt.noted === undefined) await attempt.note(uid);
  const life = attempt.noted ?? uid;
  const input = inputOf(route, { order, request, attempt: { ...attempt, noted: life } }, holder);
  const made = async (): Promise<MadeForLater | undefined> => route.later?.made?.(input, api);
  const ended = await endedMeanwhile(route, before, { uid: life, made });
  if (ended !== undefined) return ended;
  const until = performance.now() + TIMEOUTS.requestDoneSeconds * 1000;
  for (;;) {
    const reply = await route.handle(input, api);
    attempt.gone.throwIfAborted();
    if (route.later?.wait === undefined || reply.status !== 202 || performance.now() > until) {
      return atRest(api, route, reply, { until, gone: attempt.gone, made });
    }
    // Whoever waits for the name may have it by now.
    const endedSince = await endedMeanwhile(route, await api.directory.describe(project, name), { uid: life, made });
    if (endedSince !== undefined) return endedSince;
  }
}

/** A request that was begun in its time may end later; one that is much older was copied by somebody. */
function refuseLate(api: ApiContext, { expiresAt }: SealedRequest, { noted }: Try): void {
  const allowedMs = noted === undefined ? 0 : 2 * TIMEOUTS.requestAttemptSeconds * 1000;
  if (api.now() < expiresAt + allowedMs) return;
  throw new ApiProblem('requestExpired', 'The request was not begun in its time');
}

/** The answer where the life that the request is about has ended since an earlier look, perhaps by this request. */
async function endedMeanwhile(
  { later, operationId }: Route,
  latest: DescribedVm | undefined,
  { uid, made }: { uid: string; made: () => Promise<MadeForLater | undefined> },
): Promise<Done | undefined> {
  // A create or a reopen is found by its Idempotency-Key.
  if (uid === '' || later?.wait === 'ready' || latest === undefined) return undefined;
  const { record } = latest;
  const { view, closed } = record;
  if (view.uid === uid && !closed) return undefined;
  const gone = view.uid === uid ? view : { name: view.name, uid, state: 'destroyed' };
  if (later?.made !== undefined) {
    const image = await made();
    if (image !== undefined) return { status: 200, body: gone, image };
  } else if (view.uid === uid && (later?.isDone?.({ ...view, closed }) ?? true)) return { status: 200, body: view };
  if (operationId === 'destroyVm') return { status: 200, body: gone };
  throw new ApiProblem('otherLife', `The life ${uid} of ${view.name} has ended`);
}

function inputOf(
  route: Route,
  { order, request, attempt: { gone, noted } }: Doing,
  caller: UncheckedRequest['caller'],
): UncheckedRequest {
  const { params, query, body, key, requestId, remoteAddress } = request;
  const wait = route.later?.wait;
  // It may end while this is on its way, and somebody else's begin.
  const ofLife = wait === 'destroyed' && noted !== undefined && noted !== '' ? { uid: noted } : {};
  const waits = wait === undefined ? {} : { wait, timeoutSeconds: TIMEOUT_LIMITS.maxWaitSeconds };
  return {
    ...{ params, query: { ...ofLife, ...query, ...waits }, headers: { 'idempotency-key': key }, body },
    ...{ requestId, remoteAddress, caller, bearer: undefined, browser: NO_BROWSER, sessionExpiresAt: undefined, gone },
    ...{ auditTarget: () => undefined, acceptedAs: acceptedAs(order) },
  };
}

/** Its id alone would not do: an Idempotency-Key may come again once its request is forgotten. */
function acceptedAs({ id, sealed }: RequestOrder): string {
  return createHash('sha256').update(`${id}\n${sealed}`).digest('hex').slice(0, 20);
}

/** Waits until the VM has left the states that it leaves by itself. @throws ApiProblem `notDone`. */
async function atRest(
  api: ApiContext,
  { later, operationId }: Route,
  reply: Reply,
  { until, gone, made }: { until: number; gone: AbortSignal; made: () => Promise<MadeForLater | undefined> },
): Promise<Done> {
  const { vm } = resultOf(reply);
  const workflowId = reply.about?.workflowId;
  if (vm === null || workflowId === undefined) return reply;
  for (let pauseMs: number = LOOK_MS.first; ; pauseMs = Math.min(LOOK_MS.last, pauseMs * 1.5)) {
    const found = await api.directory.describeWorkflow(workflowId);
    const isSame = found?.record.view.uid === vm.uid;
    const isMoving =
      found?.record.closed === false && (found.hasUnread || ON_ITS_WAY.includes(found.record.view.state));
    if (!isSame || !isMoving || performance.now() > until) {
      const { closed, view } = found?.record ?? { closed: true, view: { ...vm, reason: undefined, detail: undefined } };
      const rest = isSame ? { ...view, closed } : { ...vm, closed: true };
      const image = await made();
      const isDone = later?.made === undefined ? !isSame || (later?.isDone?.(rest) ?? true) : image !== undefined;
      if (isDone) {
        const status = reply.status === 202 ? 200 : reply.status;
        return { ...reply, status, body: rest, ...(image === undefined ? {} : { image }) };
      }
      const why = view.detail === undefined ? '' : `: ${view.detail}`;
      throw new ApiProblem('notDone', `After ${operationId} the VM ${vm.name} is ${rest.state}${why}`);
    }
    await sleep(pauseMs, undefined, { signal: gone });
  }
}

function resultOf({ status, body, image }: Done): RequestResult {
  const { name, uid, state } = body as Record<string, unknown>;
  const isVm = typeof name === 'string' && typeof uid === 'string' && typeof state === 'string';
  return { status, vm: isVm ? { name, uid, state } : null, ...(image === undefined ? {} : { image }) };
}

function problemText({ code, message, named }: ApiProblem): ReturnType<typeof requestProblem> {
  return requestProblem(code, message, named);
}

/** A line of its own beside that of its acceptance, by the same request id. */
function write(
  api: ApiContext,
  route: Route,
  { order, request, outcome }: { order: RequestOrder; request: SealedRequest; outcome: Reply | ApiProblem },
): void {
  const { requestId, remoteAddress, caller, params, query, body } = request;
  const attempt: Attempt = {
    ...{
      requestId,
      remoteAddress,
      bearer: undefined,
      browser: NO_BROWSER,
      caller,
      params,
      input: { query, body },
      later: order.id,
    },
  };
  audit(api, route, attempt, outcome);
  api.log.info(
    {
      ...{ requestId, keyId: caller.id, project: order.project, request: order.id, operation: request.operation },
      ...{ workflowId: vmWorkflowId(order.project, order.name), status: outcome.status },
      ...(outcome instanceof ApiProblem ? { code: outcome.code } : {}),
    },
    'a request for later was done',
  );
}
