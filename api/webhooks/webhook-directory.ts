/** The endpoints of this deployment, as their workflows publish them. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { Client, WorkflowHandle } from '@temporalio/client';
import pLimit from 'p-limit';
import { z } from 'zod';
import { runningWorkflows } from '../../config/temporal/running-workflows.ts';
import { EVENT_KINDS } from '../../domain/outbox/event.ts';
import { newWebhook, type NewWebhook, type WebhookMessage } from '../../domain/webhook/state.ts';
import { WEBHOOK_STATES, webhookView, type WebhookView } from '../../domain/webhook/view.ts';
import { MEMO, SEARCH_ATTRIBUTE, WORKFLOW_TYPE, webhookWorkflowId } from '../../domain/wire-names.ts';
import { SharedRead } from '../../lib/waiting/shared-read.ts';
import { enableWebhookSignal, sendMessageSignal } from '../../workflows/messages.ts';
import { isWorkflowGone } from '../http/errors/temporal-errors.ts';

const CALL_SECONDS = 5;
/** One answer is that of everybody who asks a replica within this time. */
const SHARED_MS = 500;
/** After this a list has what was made. */
const LISTED_MS = 10_000;
const STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.state.name, SearchAttributeType.KEYWORD);
const PROJECT = defineSearchAttributeKey(SEARCH_ATTRIBUTE.project.name, SearchAttributeType.KEYWORD);

const timeSchema = z.iso.datetime();

/** The memo may be of another version of Ephemera, so it is checked before it counts. */
const viewSchema = z.looseObject({
  project: z.string(),
  id: z.string(),
  filter: z.looseObject({
    vm: z.string().optional(),
    template: z.string().optional(),
    kinds: z.array(z.enum(EVENT_KINDS)).optional(),
  }),
  sealed: z.string(),
  state: z.enum(WEBHOOK_STATES),
  pending: z.int(),
  createdAt: timeSchema,
  createdBy: z.string(),
  attempts: z.array(z.looseObject({ eventId: z.string(), kind: z.string(), at: timeSchema, delivered: z.boolean() })),
});

export class WebhookDirectory {
  readonly #client: Client;
  readonly #controlTaskQueue: string;
  readonly #listed = new SharedRead(() => this.#listNow());
  /** Made here of late, by workflow id: a list may not have them yet. */
  readonly #made = new Map<string, { project: string; at: number }>();
  readonly #inTurn = pLimit(1);

  constructor(client: Client, controlTaskQueue: string) {
    this.#client = client;
    this.#controlTaskQueue = controlTaskQueue;
  }

  workflowId(project: string, id: string): string {
    return webhookWorkflowId(project, id, this.#controlTaskQueue);
  }

  /** Of a project, the oldest first; a new one is there within a second. */
  async list(project: string): Promise<WebhookView[]> {
    return (await this.#listed.get(SHARED_MS)).filter((webhook) => webhook.project === project);
  }

  async find(project: string, id: string): Promise<WebhookView | undefined> {
    try {
      const found = await this.#within(() => this.#handle(project, id).describe());
      const isOurs = found.type === WORKFLOW_TYPE.webhook && found.taskQueue === this.#controlTaskQueue;
      return isOurs && found.status.name === 'RUNNING' ? this.#seen(found) : undefined;
    } catch (error) {
      if (isWorkflowGone(error)) return undefined;
      throw error;
    }
  }

  /** Kept by Temporal when it resolves; undefined where the project has so many already, also when many are asked for at once. */
  async createUpTo(most: number, start: NewWebhook): Promise<WebhookView | undefined> {
    return this.#inTurn(async () => ((await this.#count(start.project)) < most ? this.#create(start) : undefined));
  }

  async #count(project: string): Promise<number> {
    const ids = new Set((await this.list(project)).map(({ id }) => this.workflowId(project, id)));
    const listedBefore = Date.now() - LISTED_MS;
    for (const [workflowId, made] of this.#made) {
      if (made.at < listedBefore) this.#made.delete(workflowId);
      else if (made.project === project) ids.add(workflowId);
    }
    return ids.size;
  }

  async #create(start: NewWebhook): Promise<WebhookView> {
    const { at, ...input } = start;
    const view = webhookView(newWebhook({ ...input, at }));
    await this.#within(() =>
      this.#client.workflow.start(WORKFLOW_TYPE.webhook, {
        workflowId: this.workflowId(start.project, start.id),
        taskQueue: this.#controlTaskQueue,
        args: [{ start: input }],
        memo: { [MEMO.webhook]: view },
        typedSearchAttributes: [
          { key: STATE, value: view.state },
          { key: PROJECT, value: start.project },
        ],
        staticSummary: `Webhook ${start.id} of project ${start.project}`,
      }),
    );
    this.#made.set(this.workflowId(start.project, start.id), { project: start.project, at: Date.now() });
    this.#listed.forget();
    return view;
  }

  /** It is told nothing more: it owns nothing that would have to be cleared away. False where there is none. */
  async remove(project: string, id: string, by: string): Promise<boolean> {
    try {
      await this.#within(() => this.#handle(project, id).terminate(`deleted by the API key ${by}`));
    } catch (error) {
      if (isWorkflowGone(error)) return false;
      throw error;
    }
    this.#made.delete(this.workflowId(project, id));
    this.#listed.forget();
    return true;
  }

  async enable(project: string, id: string): Promise<void> {
    await this.#within(() => this.#handle(project, id).signal(enableWebhookSignal));
  }

  async send(project: string, id: string, message: WebhookMessage): Promise<void> {
    await this.#within(() => this.#handle(project, id).signal(sendMessageSignal, message));
  }

  async #listNow(): Promise<WebhookView[]> {
    const query = runningWorkflows(WORKFLOW_TYPE.webhook, this.#controlTaskQueue);
    const found: WebhookView[] = [];
    await this.#within(async () => {
      for await (const execution of this.#client.workflow.list({ query })) {
        const view = this.#seen(execution);
        if (view !== undefined) found.push(view);
      }
    });
    return found.sort((a, b) => (a.createdAt < b.createdAt ? -1 : Number(a.createdAt > b.createdAt)));
  }

  /** A memo is a claim of its workflow, whose id says which endpoint it is of. */
  #seen({ workflowId, memo }: { workflowId: string; memo?: Record<string, unknown> }): WebhookView | undefined {
    const seen = viewSchema.safeParse(memo?.[MEMO.webhook]).data as WebhookView | undefined;
    return seen !== undefined && workflowId === this.workflowId(seen.project, seen.id) ? seen : undefined;
  }

  #handle(project: string, id: string): WorkflowHandle {
    return this.#client.workflow.getHandle(this.workflowId(project, id));
  }

  #within<Result>(call: () => Promise<Result>): Promise<Result> {
    return this.#client.withDeadline(Date.now() + CALL_SECONDS * 1000, call);
  }
}
