/** Tells endpoints what happens: any replica may, as what is still to be told is kept by their workflows. */
import { setMaxListeners } from 'node:events';
import { ApplicationFailure } from '@temporalio/common';
import type { CollectInput, SendInput, WebhookActivities } from '../../domain/webhook/activities.ts';
import { projectOfWebhook, webhookTaskQueue } from '../../domain/wire-names.ts';
import { rangesOf } from '../../lib/network/public-address.ts';
import { retryForever } from '../../lib/waiting/backoff.ts';
import type { ApiContext } from '../api-context.ts';
import { ActivityTasks, inputOf, type ActivityTask } from '../temporal/activity-tasks.ts';
import { collect, sendAll } from './webhook-activities.ts';

/** Most of them wait for something to happen. */
const MOST_AT_ONCE = 2000;

export class WebhookWorker {
  readonly #api: ApiContext;
  readonly #tasks: ActivityTasks;
  readonly #privateTargets;
  readonly #closing = new AbortController();
  readonly #doing = new Set<Promise<void>>();
  #polling: Promise<void> = Promise.resolve();

  constructor(api: ApiContext) {
    this.#api = api;
    this.#tasks = new ActivityTasks(api.client, webhookTaskQueue(api.settings.temporal.controlTaskQueue));
    this.#privateTargets = rangesOf(api.settings.api.webhooks.privateTargets);
    // One for each task that is done, while it is.
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
      if (this.#doing.size >= MOST_AT_ONCE) {
        await Promise.race(this.#doing);
        continue;
      }
      const task = await retryForever(
        () => this.#tasks.take(signal),
        signal,
        (err) => this.#api.log.debug({ err }, 'webhooks that wait cannot be asked for'),
      ).catch(() => undefined);
      if (task === undefined) continue;
      const done: Promise<void> = this.#do(task).finally(() => this.#doing.delete(done));
      this.#doing.add(done);
    }
  }

  async #do(task: ActivityTask): Promise<void> {
    const { signal: closing } = this.#closing;
    const workflowId = task.workflowExecution?.workflowId ?? '';
    try {
      const result = await this.#tasks.withHeartbeats(task, { closing }, (gone) => this.#run(task, workflowId, gone));
      await this.#tasks.complete(task, result, closing);
    } catch (err) {
      this.#api.log.debug({ err, workflowId }, 'a webhook is left to the next try');
      const failure = ApplicationFailure.retryable('This replica of the API could not go on', 'replicaLeft');
      await this.#tasks.fail(task, failure, closing).catch(() => undefined);
    }
  }

  /** The project is that of the workflow, whatever its input says. */
  #run(task: ActivityTask, workflowId: string, gone: AbortSignal): Promise<unknown> {
    const { outbox, sealedWebhooks } = this.#api;
    const project = projectOfWebhook(workflowId);
    const name = task.activityType?.name as keyof WebhookActivities | undefined;
    if (project !== undefined && name === 'collectEvents') {
      return collect(outbox, project, inputOf(task) as CollectInput, gone);
    }
    if (project !== undefined && name === 'sendMessages') {
      const input = inputOf(task) as SendInput;
      const context = { privateTargets: this.#privateTargets, gone };
      return sendAll(sealedWebhooks.open(workflowId, input.sealed), input, context);
    }
    throw new Error(`${workflowId} asks for ${String(name)}, which no replica of this version does`);
  }
}
