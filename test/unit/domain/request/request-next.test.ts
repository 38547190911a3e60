import { describe, expect, it } from 'vitest';
import { REQUEST_EVENT_KINDS, type RequestQueueEvent } from '../../../../domain/request/events.ts';
import { acceptedRequestOf, requestIdOf } from '../../../../domain/request/messages.ts';
import { isOver, next, nextWake, resumed, toBegin } from '../../../../domain/request/next.ts';
import {
  AGAIN_SECONDS,
  ENDED_KEPT,
  ENDED_KEPT_SECONDS,
  MOST_SEALED_CHARACTERS,
  MOST_WAITING,
  newRequestQueue,
  type AcceptedRequest,
  type RequestOutcome,
  type RequestProblem,
  type RequestQueue,
} from '../../../../domain/request/state.ts';
import { requestQueueDetails, requestQueueView } from '../../../../domain/request/view.ts';

const START = Date.UTC(2026, 0, 1);
const at = (seconds: number): number => START + seconds * 1000;
const EMPTY = newRequestQueue({ project: 'default', name: 'lobby', at: START });
const PROBLEM: RequestProblem = { code: 'providerUnavailable', status: 503, title: 'down', detail: 'no host' };
const DONE: RequestOutcome = {
  kind: 'done',
  result: { status: 201, vm: { name: 'lobby', uid: 'u', state: 'running' } },
};

function request(id: string, more: Partial<AcceptedRequest> = {}): AcceptedRequest {
  return {
    ...{ id, operation: 'createVm', createdBy: 'key', sealed: 'v1.sealed', fingerprint: `of ${id}` },
    ...{ acceptedAt: START, expiresAt: at(60) },
    ...more,
  };
}

const accepted = (id: string, more: Partial<AcceptedRequest> = {}, seconds = 0): RequestQueueEvent => ({
  ...{ kind: 'accepted', at: at(seconds), request: request(id, more) },
});
const begun = (id: string, seconds = 1): RequestQueueEvent => ({ kind: 'begun', at: at(seconds), id });
const outcome = (id: string, came: RequestOutcome, seconds = 2): RequestQueueEvent => ({
  ...{ kind: 'outcome', at: at(seconds), id, outcome: came },
});
const cancelled = (id: string, seconds = 1): RequestQueueEvent => ({ kind: 'cancelRequested', at: at(seconds), id });
const clock = (seconds: number): RequestQueueEvent => ({ kind: 'clock', at: at(seconds) });
const after = (events: RequestQueueEvent[], queue = EMPTY): RequestQueue => events.reduce(next, queue);
const states = (queue: RequestQueue): string[] =>
  requestQueueView(queue).requests.map(({ id, state, problem }) => `${id} ${problem?.code ?? state}`);

/** Every kind of state that a queue can be in, as far as events tell them apart. */
const STATES: Record<string, RequestQueue> = {
  new: EMPTY,
  waiting: after([accepted('a'), accepted('b')]),
  running: after([accepted('a'), accepted('b'), begun('a')]),
  'put off': after([accepted('a'), accepted('b'), begun('a'), outcome('a', { kind: 'putOff', problem: PROBLEM })]),
  ended: after([accepted('a'), begun('a'), outcome('a', DONE)]),
  over: after([accepted('a'), begun('a'), outcome('a', DONE), clock(2 + ENDED_KEPT_SECONDS)]),
};

/** What each event makes of each state; `-`: nothing. `b` is the second one where there is one. */
const CELLS: Record<string, Record<string, { event: RequestQueueEvent; after: string[] | '-' }>> = {
  new: {
    accepted: { event: accepted('c'), after: ['c queued'] },
    cancelRequested: { event: cancelled('a'), after: '-' },
    begun: { event: begun('a'), after: '-' },
    outcome: { event: outcome('a', DONE), after: '-' },
    clock: { event: clock(100), after: '-' },
  },
  waiting: {
    accepted: { event: accepted('c'), after: ['a queued', 'b queued', 'c queued'] },
    cancelRequested: { event: cancelled('a'), after: ['a cancelled', 'b queued'] },
    begun: { event: begun('a'), after: ['a running', 'b queued'] },
    outcome: { event: outcome('a', DONE), after: '-' },
    clock: { event: clock(60), after: ['a requestExpired', 'b requestExpired'] },
  },
  running: {
    accepted: { event: accepted('b'), after: '-' },
    cancelRequested: { event: cancelled('a'), after: '-' },
    begun: { event: begun('b'), after: '-' },
    outcome: { event: outcome('a', DONE), after: ['a done', 'b queued'] },
    clock: { event: clock(60), after: ['b requestExpired', 'a running'] },
  },
  'put off': {
    accepted: { event: accepted('c', {}, 2), after: ['a queued', 'b queued', 'c queued'] },
    cancelRequested: { event: cancelled('a', 2), after: ['a cancelled', 'b queued'] },
    begun: { event: begun('a', 3), after: ['a running', 'b queued'] },
    outcome: { event: outcome('a', DONE), after: '-' },
    clock: { event: clock(60), after: ['a requestExpired', 'b requestExpired'] },
  },
  ended: {
    accepted: { event: accepted('a'), after: '-' },
    cancelRequested: { event: cancelled('a'), after: '-' },
    begun: { event: begun('a'), after: '-' },
    outcome: { event: outcome('a', { kind: 'failed', problem: PROBLEM }), after: '-' },
    clock: { event: clock(2 + ENDED_KEPT_SECONDS), after: [] },
  },
  over: {
    accepted: { event: accepted('a'), after: ['a queued'] },
    cancelRequested: { event: cancelled('a'), after: '-' },
    begun: { event: begun('a'), after: '-' },
    outcome: { event: outcome('a', DONE), after: '-' },
    clock: { event: clock(10 * ENDED_KEPT_SECONDS), after: '-' },
  },
};

describe('the requests of a name', () => {
  for (const [state, queue] of Object.entries(STATES)) {
    for (const kind of REQUEST_EVENT_KINDS) {
      it(`${state}: ${kind}`, () => {
        const cell = CELLS[state]?.[kind];
        if (cell === undefined) throw new Error(`no cell for ${state} and ${kind}`);
        expect(cell.event.kind).toBe(kind);
        const then = next(queue, cell.event);
        if (cell.after === '-') expect(then).toBe(queue);
        else expect(states(then)).toEqual(cell.after);
      });
    }
  }

  it('are begun one after the other, in the order in which they came', () => {
    const queue = STATES['waiting']!;
    expect(toBegin(queue, at(1))?.id).toBe('a');
    expect(next(queue, begun('b'))).toBe(queue);
    const running = next(queue, begun('a'));
    expect(toBegin(running, at(2))).toBeUndefined();
    expect(toBegin(next(running, outcome('a', DONE)), at(2))?.id).toBe('b');
  });

  it('keep their order when the first one is put off, which is begun again later and later', () => {
    let queue = after([accepted('a', { expiresAt: at(1e6) }), accepted('b', { expiresAt: at(1e6) })]);
    let seconds = 0;
    const pauses = Array.from({ length: 8 }, () => {
      queue = after([begun('a', seconds), outcome('a', { kind: 'putOff', problem: PROBLEM }, seconds)], queue);
      expect(toBegin(queue, at(seconds))).toBeUndefined();
      const wake = nextWake(queue) ?? Number.NaN;
      expect(toBegin(queue, wake)?.id).toBe('a');
      const pause = wake / 1000 - at(seconds) / 1000;
      seconds += pause;
      return pause;
    });
    expect(pauses).toEqual([1, 2, 4, 8, 16, AGAIN_SECONDS.last, AGAIN_SECONDS.last, AGAIN_SECONDS.last]);
    expect(requestQueueView(queue).requests[0]).toMatchObject({ waitsFor: 'providerUnavailable: no host' });
  });

  it('that were put off until their time was over fail with what they waited for', () => {
    const late = after([begun('a', 59), outcome('a', { kind: 'putOff', problem: PROBLEM }, 60)], STATES['waiting']);
    const [first] = requestQueueView(late).requests;
    expect(first?.problem?.code).toBe('requestExpired');
    expect(first?.problem?.detail).toContain('providerUnavailable: no host');
  });

  it('are limited in number and size, and say which one was too much', () => {
    const many = Array.from({ length: MOST_WAITING }, (_, index) => accepted(`r${index}`));
    const full = next(after(many), accepted('one-more'));
    expect(full.waiting).toHaveLength(MOST_WAITING);
    expect(states(full)[0]).toBe('one-more queueFull');
    const large = after([accepted('a'), accepted('b', { sealed: 'x'.repeat(MOST_SEALED_CHARACTERS) })]);
    expect(states(large)).toEqual(['b queueFull', 'a queued']);
  });

  it('are known for a day after their end, the last of them', () => {
    const more = Array.from({ length: ENDED_KEPT + 2 }, (_, index) => [accepted(`r${index}`), cancelled(`r${index}`)]);
    const queue = after(more.flat());
    expect(queue.ended.map(({ id }) => id)).toEqual(Array.from({ length: ENDED_KEPT }, (_, index) => `r${index + 2}`));
    expect(nextWake(queue)).toBe(at(1 + ENDED_KEPT_SECONDS));
    expect(isOver(queue)).toBe(false);
    expect(isOver(next(queue, clock(1 + ENDED_KEPT_SECONDS)))).toBe(true);
  });

  it('are over only once something was there', () => {
    expect(isOver(EMPTY)).toBe(false);
    expect(nextWake(EMPTY)).toBeUndefined();
  });

  it('that were under way in a history that is full are begun again in the next one', () => {
    const running = STATES['running']!;
    expect(toBegin(resumed(running), at(2))?.id).toBe('a');
    expect(resumed(STATES['waiting']!)).toBe(STATES['waiting']);
  });

  it('show nothing that is sealed', () => {
    const view = requestQueueView(after([accepted('a', { sealed: 'v1.hidden' })]));
    expect(JSON.stringify(view)).not.toContain('hidden');
    expect(view.sealedCharacters).toBe('v1.hidden'.length);
    expect(requestQueueDetails(view)).toContain('createVm, queued');
  });
});

describe('what anybody may send', () => {
  it('is a request only when every part of it is there', () => {
    const whole = request('a');
    expect(acceptedRequestOf({ ...whole, more: 1 })).toEqual(whole);
    for (const field of Object.keys(whole)) {
      expect(acceptedRequestOf({ ...whole, [field]: null }), field).toBeUndefined();
      expect(acceptedRequestOf({ ...whole, [field]: {} }), field).toBeUndefined();
    }
    expect(acceptedRequestOf({ ...whole, id: 'x'.repeat(201) })).toBeUndefined();
    expect(acceptedRequestOf({ ...whole, expiresAt: 1e18 })).toBeUndefined();
    for (const bad of [undefined, null, 1, 'a', [whole]]) expect(acceptedRequestOf(bad)).toBeUndefined();
  });

  it('names a request only by text', () => {
    expect(requestIdOf({ id: 'a' })).toBe('a');
    for (const bad of [undefined, null, {}, { id: 1 }, { id: '' }, 'a']) expect(requestIdOf(bad)).toBeUndefined();
  });
});
