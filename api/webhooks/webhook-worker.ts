/** Tells endpoints what happens: any replica may, as what is still to be told is kept by their workflows. */
import { ApplicationFailure } from '@temporalio/common';
import type { CollectInput, SendInput, WebhookActivities } from '../../domain/webhook/activities.ts';
import { projectOfWebhook, webhookTaskQueue } from '../../domain/wire-names.ts';
import { rangesOf } from '../../lib/network/public-address.ts';
import type { ApiContext } from '../api-context.ts';
import { ActivityTasks, inputOf, type ActivityTask } from '../temporal/activity-tasks.ts';
import { TaskLoop } from '../temporal/task-loop.ts';
import { collect, sendAll } from './webhook-activities.ts';

/** Most of them wait for something to happen. */
const MOST_AT_ONCE = 2000;

export class WebhookWorker {
  readonly #api: ApiContext;
  readonly #tasks: ActivityTasks;
  readonly #privateTargets;
  readonly #loop: TaskLoop;

  constructor(api: ApiContext) {
    this.#api = api;
    this.#tasks = new ActivityTasks(api.client, webhookTaskQueue(api.settings.temporal.controlTaskQueue));
    this.#privateTargets = rangesOf(api.settings.api.webhooks.privateTargets);
    this.#loop = new TaskLoop({
      ...{ tasks: this.#tasks, most: MOST_AT_ONCE, run: (task, closing) => this.#do(task, closing) },
      onSilence: (err) => api.log.debug({ err }, 'webhooks that wait cannot be asked for'),
    });
  }

  start(): void {
    this.#loop.start();
  }

  /** Gives back what it does, for another replica to take; resolves when that is said. */
  close(): Promise<void> {
    return this.#loop.close();
  }

  async #do(task: ActivityTask, closing: AbortSignal): Promise<void> {
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
