/**
 * Takes requests that wait from Temporal and does them: a worker for one kind of activity, by calls of the client alone,
 * since only the API has what it takes to sign a start and to open what is sealed.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ActivityCancelledError, ActivityNotFoundError } from '@temporalio/client';
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import type { RequestOrder } from '../../domain/request/activities.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { requestTaskQueue } from '../../domain/wire-names.ts';
import { retryForever } from '../../lib/waiting/backoff.ts';
import { withLinkedSignal } from '../../lib/waiting/linked-signal.ts';
import type { ApiContext } from '../api-context.ts';
import type { Route } from '../http/route.ts';
import { doRequest } from './do-request.ts';

type Task = temporal.api.workflowservice.v1.IPollActivityTaskQueueResponse;

export interface RequestsAtOnce {
  all: number;
  /** One project that asks for more than there is room for holds up no other. */
  ofProject: number;
}

/** Requests that a replica does at once: each waits until its VM has come to rest. */
const MOST_AT_ONCE: RequestsAtOnce = { all: 200, ofProject: 50 };
/** Until a request is asked for again whose project has its share: doubled from the first try to the last. */
const SHARE_AGAIN_MS = { first: 1000, last: 30_000 } as const;
/** Temporal answers a poll that finds nothing after a minute. */
const POLL_SECONDS = 70;
const CALL_SECONDS = 5;
const ANSWER_TRIES = 5;

export class RequestWorker {
  readonly #api: ApiContext;
  readonly #routes: readonly Route[];
  readonly #closing = new AbortController();
  readonly #most: RequestsAtOnce;
  readonly #identity: string | undefined;
  readonly #doing = new Set<Promise<void>>();
  readonly #doingOf = new Map<string, number>();
  #polling: Promise<void> = Promise.resolve();

  /** `identity`: what Temporal is told of who polls; `most`: only tests set it. */
  constructor(
    api: ApiContext,
    routes: readonly Route[],
    { identity, most = MOST_AT_ONCE }: { identity?: string; most?: RequestsAtOnce | undefined } = {},
  ) {
    this.#api = api;
    this.#routes = routes;
    this.#most = most;
    this.#identity = identity;
    // One for each request that is done, while it is.
    setMaxListeners(0, this.#closing.signal);
  }

  start(): void {
    this.#polling = this.#poll();
  }

  /** Gives back what it does, for another replica to take; resolves when that is said. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('this replica of the API closes'));
    await this.#polling;
    await Promise.all(this.#doing);
  }

  async #poll(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      if (this.#doing.size >= this.#most.all) {
        await Promise.race(this.#doing);
        continue;
      }
      const task = await retryForever(
        () => this.#takeOne(signal),
        signal,
        (err) => this.#api.log.debug({ err }, 'requests that wait cannot be asked for'),
      ).catch(() => undefined);
      if (task === undefined) continue;
      const done: Promise<void> = this.#do(task).finally(() => this.#doing.delete(done));
      this.#doing.add(done);
    }
  }

  /** Undefined when none came within a minute. */
  async #takeOne(signal: AbortSignal): Promise<Task | undefined> {
    const { client, settings } = this.#api;
    // The client adds a listener to the signal with each call and removes none, so each poll has a signal of its own.
    const task = await withLinkedSignal(signal, null, (poll) =>
      client.withAbortSignal(poll, () =>
        client.withDeadline(Date.now() + POLL_SECONDS * 1000, () =>
          client.workflowService.pollActivityTaskQueue({
            namespace: client.options.namespace,
            taskQueue: { name: requestTaskQueue(settings.temporal.controlTaskQueue) },
            identity: this.#identity ?? client.options.identity,
          }),
        ),
      ),
    );
    return task.taskToken.length > 0 ? task : undefined;
  }

  async #do(task: Task): Promise<void> {
    const { log } = this.#api;
    const token = task.taskToken ?? new Uint8Array();
    const workflowId = task.workflowExecution?.workflowId;
    try {
      const order = orderOf(task);
      if ((this.#doingOf.get(order.project) ?? 0) >= this.#most.ofProject) {
        await this.#answer(() => this.#api.client.activity.fail(token, overShare(task)));
        return;
      }
      const outcome = await this.#counted(order.project, () =>
        this.#withHeartbeats(token, notedOf(task) ?? order.life, (attempt) =>
          doRequest(this.#api, this.#routes, order, attempt),
        ),
      );
      await this.#answer(() => this.#api.client.activity.complete(token, outcome));
    } catch (err) {
      log.info({ err, workflowId }, 'a request for later is left to the next try');
      const failure = ApplicationFailure.retryable('This replica of the API could not go on', 'replicaLeft');
      await this.#answer(() => this.#api.client.activity.fail(token, failure)).catch(() => undefined);
    }
  }

  async #counted<Result>(project: string, work: () => Promise<Result>): Promise<Result> {
    this.#doingOf.set(project, (this.#doingOf.get(project) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (this.#doingOf.get(project) ?? 1) - 1;
      if (left === 0) this.#doingOf.delete(project);
      else this.#doingOf.set(project, left);
    }
  }

  /** Nobody else does it meanwhile: a try whose heartbeats end is given to another replica. */
  async #withHeartbeats<Result>(
    token: Uint8Array,
    noted: string | undefined,
    work: (attempt: Parameters<typeof doRequest>[3]) => Promise<Result>,
  ): Promise<Result> {
    const lost = new AbortController();
    const { signal: parent } = this.#closing;
    let uid = noted;
    const beat = (): Promise<void> =>
      this.#within(() => this.#api.client.activity.heartbeat(token, uid)).catch((error: unknown) => {
        const isLost = error instanceof ActivityNotFoundError || error instanceof ActivityCancelledError;
        if (isLost) lost.abort(error);
        throw error;
      });
    const follow = (): void => lost.abort(parent.reason);
    parent.addEventListener('abort', follow);
    if (parent.aborted) follow();
    const timer = setInterval(() => void beat().catch(() => undefined), beatMs());
    const note = async (life: string): Promise<void> => {
      uid = life;
      await beat();
    };
    try {
      return await work({ noted, note, gone: lost.signal });
    } finally {
      clearInterval(timer);
      parent.removeEventListener('abort', follow);
    }
  }

  async #answer(send: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#within(send);
        return;
      } catch (error) {
        if (error instanceof ActivityNotFoundError) return;
        if (attempt === ANSWER_TRIES || this.#closing.signal.aborted) throw error;
      }
      await sleep(attempt * 200);
    }
  }

  #within<Result>(call: () => Promise<Result>): Promise<Result> {
    const { client } = this.#api;
    return client.withDeadline(Date.now() + CALL_SECONDS * 1000, call);
  }
}

/** Its next try, at this replica or another one, costs no event of its history. */
function overShare({ attempt }: Task): ApplicationFailure {
  return ApplicationFailure.create({
    message: 'This replica of the API does as many requests of the project as it does at once',
    type: 'replicaBusy',
    nextRetryDelay: Math.min(SHARE_AGAIN_MS.last, SHARE_AGAIN_MS.first * 2 ** Math.min(attempt ?? 1, 10)),
  });
}

function beatMs(): number {
  return TIMEOUTS.activityHeartbeatIntervalSeconds * 1000;
}

function orderOf({ input }: Task): RequestOrder {
  const [payload] = input?.payloads ?? [];
  if (!payload) throw new Error('the task of a request has no input');
  return defaultPayloadConverter.fromPayload<RequestOrder>(payload);
}

/** What an earlier try noted; undefined where there was none, or it noted nothing. */
function notedOf({ heartbeatDetails }: Task): string | undefined {
  const [payload] = heartbeatDetails?.payloads ?? [];
  const noted = payload ? defaultPayloadConverter.fromPayload<unknown>(payload) : undefined;
  return typeof noted === 'string' ? noted : undefined;
}
