/**
 * Activities that replicas of the API run, since only they have what it takes: taken from Temporal and answered by calls of
 * the client alone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ActivityCancelledError, ActivityNotFoundError, type Client } from '@temporalio/client';
import { defaultPayloadConverter, type ApplicationFailure } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { withLinkedSignal } from '../../lib/waiting/linked-signal.ts';

export type ActivityTask = temporal.api.workflowservice.v1.IPollActivityTaskQueueResponse;

/** Temporal answers a poll that finds nothing after a minute. */
const POLL_SECONDS = 70;
const CALL_SECONDS = 5;
const ANSWER_TRIES = 5;

export class ActivityTasks {
  readonly #client: Client;
  readonly #taskQueue: string;
  readonly #identity: string;

  /** `identity`: what Temporal is told of who polls; that of the client when absent. */
  constructor(client: Client, taskQueue: string, identity: string = client.options.identity) {
    this.#client = client;
    this.#taskQueue = taskQueue;
    this.#identity = identity;
  }

  /** Undefined when none came within a minute. @throws the client's error. */
  async take(signal: AbortSignal): Promise<ActivityTask | undefined> {
    const client = this.#client;
    // The client adds a listener to the signal with each call and removes none, so each poll has a signal of its own.
    const task = await withLinkedSignal(signal, null, (poll) =>
      client.withAbortSignal(poll, () =>
        client.withDeadline(Date.now() + POLL_SECONDS * 1000, () =>
          client.workflowService.pollActivityTaskQueue({
            namespace: client.options.namespace,
            taskQueue: { name: this.#taskQueue },
            identity: this.#identity,
          }),
        ),
      ),
    );
    return task.taskToken.length > 0 ? task : undefined;
  }

  /** Says what came of it, more than once where that is not heard. `closing`: the last try is under way. */
  complete(task: ActivityTask, result: unknown, closing: AbortSignal): Promise<void> {
    return this.#answer(() => this.#client.activity.complete(tokenOf(task), result), closing);
  }

  fail(task: ActivityTask, failure: ApplicationFailure, closing: AbortSignal): Promise<void> {
    return this.#answer(() => this.#client.activity.fail(tokenOf(task), failure), closing);
  }

  /**
   * Nobody else does it meanwhile: a try whose heartbeats end is given to another replica. `details`: what the next try finds
   * of this one. `gone` aborts when the try is over, or with `closing`.
   */
  async withHeartbeats<Result>(
    task: ActivityTask,
    { closing, details = () => undefined }: { closing: AbortSignal; details?: () => unknown },
    work: (gone: AbortSignal, beat: () => Promise<void>) => Promise<Result>,
  ): Promise<Result> {
    const lost = new AbortController();
    const beat = (): Promise<void> =>
      this.#within(() => this.#client.activity.heartbeat(tokenOf(task), details())).catch((error: unknown) => {
        const isLost = error instanceof ActivityNotFoundError || error instanceof ActivityCancelledError;
        if (isLost) lost.abort(error);
        throw error;
      });
    const follow = (): void => lost.abort(closing.reason);
    closing.addEventListener('abort', follow);
    if (closing.aborted) follow();
    const timer = setInterval(() => void beat().catch(() => undefined), beatMs());
    try {
      return await work(lost.signal, beat);
    } finally {
      clearInterval(timer);
      closing.removeEventListener('abort', follow);
    }
  }

  async #answer(send: () => Promise<void>, closing: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#within(send);
        return;
      } catch (error) {
        if (error instanceof ActivityNotFoundError) return;
        if (attempt === ANSWER_TRIES || closing.aborted) throw error;
      }
      await sleep(attempt * 200);
    }
  }

  #within<Result>(call: () => Promise<Result>): Promise<Result> {
    return this.#client.withDeadline(Date.now() + CALL_SECONDS * 1000, call);
  }
}

/** Its one argument. @throws an Error where it has none. */
export function inputOf({ input }: ActivityTask): unknown {
  const [payload] = input?.payloads ?? [];
  if (!payload) throw new Error('the task has no input');
  return defaultPayloadConverter.fromPayload<unknown>(payload);
}

function beatMs(): number {
  return TIMEOUTS.activityHeartbeatIntervalSeconds * 1000;
}

function tokenOf({ taskToken }: ActivityTask): Uint8Array {
  return taskToken ?? new Uint8Array();
}
