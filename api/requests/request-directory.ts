/** The requests that are done later, as the workflows of their names publish them; works without any worker. */
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultPayloadConverter, defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { Client, WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import { z } from 'zod';
import { runningWorkflows } from '../../config/temporal/running-workflows.ts';
import { acceptedRequestOf } from '../../domain/request/messages.ts';
import { next } from '../../domain/request/next.ts';
import { newRequestQueue, type AcceptedRequest } from '../../domain/request/state.ts';
import {
  acceptedView,
  REQUEST_STATES,
  requestQueueView,
  type RequestQueueView,
  type RequestView,
} from '../../domain/request/view.ts';
import { MEMO, REQUEST_SIGNAL, requestsWorkflowId, SEARCH_ATTRIBUTE, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import { SharedRead } from '../../lib/waiting/shared-read.ts';
import { acceptRequestSignal, cancelRequestSignal, requestQueueQuery } from '../../workflows/messages.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { isWorkflowGone } from '../http/errors/temporal-errors.ts';

const CALL_SECONDS = 5;
/** A query needs a worker; the memo is a good answer too. */
const QUERY_SECONDS = 2;
/** Messages that a workflow has not taken yet and that are looked through at most. */
const UNREAD_EVENTS = 100;
/** One count of a project answers everybody who asks a replica within this time. */
const COUNT_SHARED_MS = 2000;
const READING_MS = 2500;
const LOOK_AGAIN_MS = 100;
const TASK_STARTED = proto.temporal.api.enums.v1.PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED;
const STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.state.name, SearchAttributeType.KEYWORD);
const PROJECT = defineSearchAttributeKey(SEARCH_ATTRIBUTE.project.name, SearchAttributeType.KEYWORD);

/** The memo may be of another version of Ephemera, so it is checked before it counts. */
const viewSchema = z.looseObject({
  project: z.string(),
  name: z.string(),
  requests: z.array(
    z.looseObject({
      id: z.string(),
      operation: z.string(),
      createdBy: z.string(),
      fingerprint: z.string(),
      state: z.enum(REQUEST_STATES),
      acceptedAt: z.iso.datetime(),
      expiresAt: z.iso.datetime(),
    }),
  ),
  sealedCharacters: z.int(),
});

/** What is known of the requests of a name. */
export interface KnownQueue {
  /** What its workflow published. */
  view: RequestQueueView;
  /** Messages that it has not taken yet, and what they say of requests. */
  unread: { events: number; accepted: AcceptedRequest[] };
  /** It takes messages just now: those that it has are in no history and in no view of it. */
  isReading: boolean;
}

export class RequestDirectory {
  readonly #client: Client;
  readonly #controlTaskQueue: string;
  readonly #counts = new Map<string, SharedRead<number>>();

  constructor(client: Client, controlTaskQueue: string) {
    this.#client = client;
    this.#controlTaskQueue = controlTaskQueue;
  }

  workflowId(project: string, name: string): string {
    return requestsWorkflowId(project, name, this.#controlTaskQueue);
  }

  /** Undefined where nothing waits for the name and nothing is told of it any more. */
  async find(project: string, name: string): Promise<KnownQueue | undefined> {
    try {
      const found = await this.#within(() => this.#handle(project, name).describe());
      const isOurs = found.type === WORKFLOW_TYPE.requests && found.taskQueue === this.#controlTaskQueue;
      const view = isOurs && found.status.name === 'RUNNING' ? viewOf(found.memo, project, name) : undefined;
      return view && { view, ...(await this.#unread(found)) };
    } catch (error) {
      if (isWorkflowGone(error)) return undefined;
      throw error;
    }
  }

  /**
   * One request as it is now, also one that its workflow has not taken yet. @throws ApiProblem `temporalUnavailable` where
   * nobody can say: a worker that died while it took messages hides them, until Temporal gives them to another one.
   */
  async request(project: string, name: string, id: string): Promise<RequestView | undefined> {
    for (const until = performance.now() + READING_MS; ;) {
      const found = await this.find(project, name);
      const request = found && requestIn(found, id);
      if (request !== undefined || found?.isReading !== true) return request;
      if (performance.now() > until) {
        throw new ApiProblem('temporalUnavailable', `Nobody could say yet whether ${id} was accepted`, {
          headers: { 'retry-after': '1' },
        });
      }
      await sleep(LOOK_AGAIN_MS);
    }
  }

  /** Kept by Temporal when it resolves. */
  async accept(project: string, name: string, request: AcceptedRequest): Promise<void> {
    const first = next(newRequestQueue({ project, name, at: request.acceptedAt }), {
      ...{ kind: 'accepted', at: request.acceptedAt, request },
    });
    await this.#within(() =>
      this.#client.workflow.signalWithStart(WORKFLOW_TYPE.requests, {
        workflowId: this.workflowId(project, name),
        taskQueue: this.#controlTaskQueue,
        args: [{ project, name }],
        signal: acceptRequestSignal,
        signalArgs: [request],
        memo: { [MEMO.requests]: requestQueueView(first) },
        typedSearchAttributes: [
          { key: STATE, value: 'queued' },
          { key: PROJECT, value: project },
        ],
        staticSummary: `Requests for ${name} of project ${project}`,
      }),
    );
  }

  /** What became of it, as its workflow says, or as it is known where no worker answers; undefined where nobody knows it. */
  async cancel(project: string, name: string, id: string): Promise<{ view: RequestView; isSure: boolean } | undefined> {
    const handle = this.#handle(project, name);
    try {
      await this.#within(() => handle.signal(cancelRequestSignal, { id }));
    } catch (error) {
      if (isWorkflowGone(error)) return undefined;
      throw error;
    }
    const asked = await this.#within(() => handle.query(requestQueueQuery), QUERY_SECONDS).catch(() => undefined);
    const view = asked?.requests.find((request) => request.id === id);
    if (view !== undefined) return { view, isSure: true };
    const known = await this.request(project, name, id);
    return known && { view: known, isSure: false };
  }

  /** Names of the project for which something waits, up to two seconds ago. */
  async namesThatWait(project: string): Promise<number> {
    const shared = this.#counts.get(project) ?? new SharedRead(() => this.#count(project));
    this.#counts.set(project, shared);
    return shared.get(COUNT_SHARED_MS);
  }

  async #count(project: string): Promise<number> {
    const waits = [`${SEARCH_ATTRIBUTE.project.name} = '${project}'`, `${SEARCH_ATTRIBUTE.state.name} = 'queued'`];
    const query = runningWorkflows(WORKFLOW_TYPE.requests, this.#controlTaskQueue, ...waits);
    const { count } = await this.#within(() => this.#client.workflow.count(query));
    return count;
  }

  /** Without a worker nobody takes what was sent; it stands at the end of the history. */
  async #unread({ raw, workflowId, runId }: WorkflowExecutionDescription): Promise<Omit<KnownQueue, 'view'>> {
    const unread: KnownQueue['unread'] = { events: 0, accepted: [] };
    const task = raw.pendingWorkflowTask;
    if (!task) return { unread, isReading: false };
    const { history } = await this.#within(() =>
      this.#client.workflowService.getWorkflowExecutionHistoryReverse({
        namespace: this.#client.options.namespace,
        execution: { workflowId, runId },
        maximumPageSize: UNREAD_EVENTS,
      }),
    );
    let isWaiting = false;
    for (const event of history?.events ?? []) {
      if (event.workflowTaskCompletedEventAttributes) break;
      isWaiting ||= Boolean(event.workflowTaskScheduledEventAttributes);
      const signal = event.workflowExecutionSignaledEventAttributes;
      const [input] = signal?.input?.payloads ?? [];
      if (!signal || !input) continue;
      unread.events += 1;
      const request = acceptedRequestOf(defaultPayloadConverter.fromPayload<unknown>(input));
      if (signal.signalName === REQUEST_SIGNAL.accept && request !== undefined) unread.accepted.unshift(request);
    }
    // The task that was seen may have been taken, or done, since.
    return { unread, isReading: task.state === TASK_STARTED || !isWaiting };
  }

  #handle(project: string, name: string): WorkflowHandle {
    return this.#client.workflow.getHandle(this.workflowId(project, name));
  }

  #within<Result>(call: () => Promise<Result>, seconds: number = CALL_SECONDS): Promise<Result> {
    return this.#client.withDeadline(Date.now() + seconds * 1000, call);
  }
}

/** A request as its workflow published it, or as it was sent where the workflow has not taken it. */
export function requestIn({ view, unread }: KnownQueue, id: string): RequestView | undefined {
  const sent = unread.accepted.find((request) => request.id === id);
  return view.requests.find((request) => request.id === id) ?? (sent && acceptedView(sent));
}

function viewOf(
  memo: Record<string, unknown> | undefined,
  project: string,
  name: string,
): RequestQueueView | undefined {
  const view = viewSchema.safeParse(memo?.[MEMO.requests]).data as RequestQueueView | undefined;
  return view?.project === project && view.name === name ? view : undefined;
}
