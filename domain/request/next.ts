/** The one place that says what an event means for the requests of a name. Pure; every state and event is tested. */
import type { RequestQueueEvent } from './events.ts';
import { requestProblem } from './problem.ts';
import {
  AGAIN_SECONDS,
  ENDED_KEPT,
  ENDED_KEPT_SECONDS,
  isFull,
  MOST_WAITING,
  type EndedRequest,
  type RequestOutcome,
  type RequestQueue,
  type WaitingRequest,
} from './state.ts';

/** The queue after the event; the very same object where the event changes nothing. */
export function next(queue: RequestQueue, event: RequestQueueEvent): RequestQueue {
  switch (event.kind) {
    case 'accepted':
      return accepted(queue, event);
    case 'cancelRequested':
      return cancelRequested(queue, event);
    case 'begun':
      return begun(queue, event);
    case 'outcome':
      return outcome(queue, event);
    case 'clock':
      return timePassed(queue, event.at);
  }
}

/** The request that is to be done now: the first one, unless one is under way or it was put off. */
export function toBegin({ waiting: [first], running }: RequestQueue, at: number): WaitingRequest | undefined {
  if (first === undefined || running !== null || at >= first.expiresAt) return undefined;
  return first.notBefore === null || at >= first.notBefore ? first : undefined;
}

/** When something happens by itself, epoch ms; undefined: never. */
export function nextWake(queue: RequestQueue): number | undefined {
  const { waiting, running, ended } = queue;
  const idle = waiting.filter(({ id }) => id !== running?.id);
  const [first] = idle;
  const times = [
    ...idle.map(({ expiresAt }) => expiresAt),
    ...(running === null && first?.notBefore != null ? [first.notBefore] : []),
    ...ended.slice(0, 1).map(forgottenAt),
  ];
  return times.length === 0 ? undefined : Math.min(...times);
}

/** True when there is nothing to do and nothing to tell any more; before its first request there was nothing yet. */
export function isOver({ begun: hasBegun, waiting, ended }: RequestQueue): boolean {
  return hasBegun && waiting.length === 0 && ended.length === 0;
}

/** Whatever was under way in a run of before is begun again: the API finds what came of it. */
export function resumed(queue: RequestQueue): RequestQueue {
  return queue.running === null ? queue : { ...queue, running: null };
}

function accepted(
  queue: RequestQueue,
  { request, at }: Extract<RequestQueueEvent, { kind: 'accepted' }>,
): RequestQueue {
  const isKnown = [...queue.waiting, ...queue.ended].some(({ id }) => id === request.id);
  if (isKnown) return queue;
  const added: WaitingRequest = { ...request, tries: 0, notBefore: null, putOff: null };
  if (isFull(queue.waiting, request.sealed.length)) {
    const text = `${MOST_WAITING} requests for ${queue.name} wait already, or what waits is too large`;
    return withEnded(
      { ...queue, begun: true },
      endOf(added, at, { state: 'failed', problem: requestProblem('queueFull', text) }),
    );
  }
  return { ...queue, begun: true, waiting: [...queue.waiting, added], updatedAt: at };
}

/** One that is under way is left alone: what it does may be done already. */
function cancelRequested(
  queue: RequestQueue,
  { id, at }: Extract<RequestQueueEvent, { kind: 'cancelRequested' }>,
): RequestQueue {
  const request = queue.waiting.find((one) => one.id === id);
  if (request === undefined || queue.running?.id === id) return queue;
  return withEnded(without(queue, id), endOf(request, at, { state: 'cancelled' }));
}

function begun(queue: RequestQueue, { id, at }: Extract<RequestQueueEvent, { kind: 'begun' }>): RequestQueue {
  if (toBegin(queue, at)?.id !== id) return queue;
  return { ...queue, running: { id, since: at }, updatedAt: at };
}

function outcome(
  queue: RequestQueue,
  { id, at, outcome: came }: Extract<RequestQueueEvent, { kind: 'outcome' }>,
): RequestQueue {
  const { running } = queue;
  const request = queue.waiting.find((one) => one.id === id);
  if (request === undefined || running?.id !== id) return queue;
  const idle = { ...queue, running: null };
  if (came.kind === 'putOff') return putOff(idle, request, came, at);
  return withEnded(without(idle, id), endOf(request, at, endingOf(came), running.since));
}

/** It keeps its place: whoever asked later is not served before. */
function putOff(
  queue: RequestQueue,
  request: WaitingRequest,
  { problem, life = request.life }: Extract<RequestOutcome, { kind: 'putOff' }>,
  at: number,
): RequestQueue {
  const seconds = Math.min(AGAIN_SECONDS.last, AGAIN_SECONDS.first * 2 ** Math.min(request.tries, 10));
  const again: WaitingRequest = {
    ...request,
    ...{ tries: request.tries + 1, notBefore: at + seconds * 1000, putOff: problem },
    ...(life === undefined ? {} : { life }),
  };
  const waiting = queue.waiting.map((one) => (one.id === request.id ? again : one));
  return timePassed({ ...queue, waiting, updatedAt: at }, at);
}

function timePassed(queue: RequestQueue, at: number): RequestQueue {
  const late = queue.waiting.filter(({ id, expiresAt }) => at >= expiresAt && queue.running?.id !== id);
  const expired = late.reduce((rest, request) => withEnded(without(rest, request.id), expiredAt(request, at)), queue);
  const ended = expired.ended.filter((one) => at < forgottenAt(one));
  return ended.length === expired.ended.length ? expired : { ...expired, ended, updatedAt: at };
}

function expiredAt(request: WaitingRequest, at: number): EndedRequest {
  const { putOff: last } = request;
  const why = last === null ? 'it was not its turn in time' : `its last try: ${last.code}: ${last.detail}`;
  return endOf(request, at, {
    state: 'failed',
    problem: requestProblem('requestExpired', `The request was not begun: ${why}`),
  });
}

function endingOf(
  came: Exclude<RequestOutcome, { kind: 'putOff' }>,
): Partial<EndedRequest> & Pick<EndedRequest, 'state'> {
  return came.kind === 'done' ? { state: 'done', result: came.result } : { state: 'failed', problem: came.problem };
}

function endOf(
  { id, operation, createdBy, fingerprint, acceptedAt, expiresAt }: WaitingRequest,
  at: number,
  ending: Partial<EndedRequest> & Pick<EndedRequest, 'state'>,
  startedAt: number | null = null,
): EndedRequest {
  return {
    ...{ id, operation, createdBy, fingerprint, acceptedAt, expiresAt, startedAt, endedAt: at },
    ...{ result: null, problem: null },
    ...ending,
  };
}

function without(queue: RequestQueue, id: string): RequestQueue {
  return { ...queue, waiting: queue.waiting.filter((one) => one.id !== id) };
}

function withEnded(queue: RequestQueue, request: EndedRequest): RequestQueue {
  return { ...queue, ended: [...queue.ended, request].slice(-ENDED_KEPT), updatedAt: request.endedAt };
}

function forgottenAt({ endedAt }: EndedRequest): number {
  return endedAt + ENDED_KEPT_SECONDS * 1000;
}
