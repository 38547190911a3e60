/**
 * Takes requests that wait from Temporal and does them: a worker for one kind of activity, by calls of the client alone,
 * since only the API has what it takes to sign a start and to open what is sealed.
 */
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import type { RequestOrder } from '../../domain/request/activities.ts';
import { requestTaskQueue } from '../../domain/wire-names.ts';
import type { ApiContext } from '../api-context.ts';
import type { Route } from '../http/route.ts';
import { ActivityTasks, inputOf, type ActivityTask } from '../temporal/activity-tasks.ts';
import { TaskLoop } from '../temporal/task-loop.ts';
import { doRequest } from './do-request.ts';

export interface RequestsAtOnce {
  all: number;
  /** One project that asks for more than there is room for holds up no other. */
  ofProject: number;
}

/** Requests that a replica does at once: each waits until its VM has come to rest. */
const MOST_AT_ONCE: RequestsAtOnce = { all: 200, ofProject: 50 };
/** Until a request is asked for again whose project has its share: doubled from the first try to the last. */
const SHARE_AGAIN_MS = { first: 1000, last: 30_000 } as const;

export class RequestWorker {
  readonly #api: ApiContext;
  readonly #routes: readonly Route[];
  readonly #tasks: ActivityTasks;
  readonly #loop: TaskLoop;
  readonly #most: RequestsAtOnce;
  readonly #doingOf = new Map<string, number>();

  /** `identity`: what Temporal is told of who polls; `most`: only tests set it. */
  constructor(
    api: ApiContext,
    routes: readonly Route[],
    { identity, most = MOST_AT_ONCE }: { identity?: string; most?: RequestsAtOnce | undefined } = {},
  ) {
    this.#api = api;
    this.#routes = routes;
    this.#tasks = new ActivityTasks(api.client, requestTaskQueue(api.settings.temporal.controlTaskQueue), identity);
    this.#most = most;
    this.#loop = new TaskLoop({
      ...{ tasks: this.#tasks, most: most.all, run: (task, closing) => this.#do(task, closing) },
      onSilence: (err) => api.log.debug({ err }, 'requests that wait cannot be asked for'),
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
    const { log } = this.#api;
    const workflowId = task.workflowExecution?.workflowId;
    try {
      const order = inputOf(task) as RequestOrder;
      if ((this.#doingOf.get(order.project) ?? 0) >= this.#most.ofProject) {
        await this.#tasks.fail(task, overShare(task), closing);
        return;
      }
      const outcome = await this.#counted(order.project, () => this.#doOrder(task, order, closing));
      await this.#tasks.complete(task, outcome, closing);
    } catch (err) {
      log.info({ err, workflowId }, 'a request for later is left to the next try');
      const failure = ApplicationFailure.retryable('This replica of the API could not go on', 'replicaLeft');
      await this.#tasks.fail(task, failure, closing).catch(() => undefined);
    }
  }

  #doOrder(task: ActivityTask, order: RequestOrder, closing: AbortSignal): ReturnType<typeof doRequest> {
    const noted = notedOf(task) ?? order.life;
    let uid = noted;
    const beats = { closing, details: () => uid };
    return this.#tasks.withHeartbeats(task, beats, (gone, beat) => {
      const note = async (life: string): Promise<void> => {
        uid = life;
        await beat();
      };
      return doRequest(this.#api, this.#routes, order, { noted, note, gone });
    });
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
}

/** Its next try, at this replica or another one, costs no event of its history. */
function overShare({ attempt }: ActivityTask): ApplicationFailure {
  return ApplicationFailure.create({
    message: 'This replica of the API does as many requests of the project as it does at once',
    type: 'replicaBusy',
    nextRetryDelay: Math.min(SHARE_AGAIN_MS.last, SHARE_AGAIN_MS.first * 2 ** Math.min(attempt ?? 1, 10)),
  });
}

/** What an earlier try noted; undefined where there was none, or it noted nothing. */
function notedOf({ heartbeatDetails }: ActivityTask): string | undefined {
  const [payload] = heartbeatDetails?.payloads ?? [];
  const noted = payload ? defaultPayloadConverter.fromPayload<unknown>(payload) : undefined;
  return typeof noted === 'string' ? noted : undefined;
}
