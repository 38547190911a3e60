import { isoTime } from '../iso-time.ts';
import { plainInMarkdown } from '../plain-in-markdown.ts';
import type { EventFilter } from '../outbox/event.ts';
import type { Webhook } from './state.ts';

export const WEBHOOK_STATES = ['active', 'failing', 'disabled'] as const;
export type WebhookState = (typeof WEBHOOK_STATES)[number];

/** What leaves the workflow: JSON only; `sealed` is for the API to open. */
export interface WebhookView {
  project: string;
  id: string;
  filter: EventFilter;
  description?: string;
  sealed: string;
  state: WebhookState;
  detail?: string;
  pending: number;
  failingSince?: string;
  nextAttemptAt?: string;
  disabledAt?: string;
  lostBefore?: string;
  lastDeliveredAt?: string;
  createdAt: string;
  createdBy: string;
  attempts: {
    eventId: string;
    kind: string;
    at: string;
    number: number;
    delivered: boolean;
    status?: number;
    detail?: string;
  }[];
  updatedAt: string;
}

export function webhookView(webhook: Webhook): WebhookView {
  const { project, id, filter, description, sealed, createdBy } = webhook;
  const { failingSince, retryAt, disabled, lostBefore, lastDeliveredAt } = webhook;
  const state = stateOf(webhook);
  const detail = disabled?.detail ?? (state === 'failing' ? lastFailure(webhook) : undefined);
  return {
    ...{ project, id, filter, sealed, state, pending: webhook.pending.length },
    ...(description === null ? {} : { description }),
    ...(detail === undefined ? {} : { detail }),
    ...(failingSince === null ? {} : { failingSince: isoTime(failingSince) }),
    ...(retryAt === null ? {} : { nextAttemptAt: isoTime(retryAt) }),
    ...(disabled === null ? {} : { disabledAt: isoTime(disabled.at) }),
    ...(lostBefore === null ? {} : { lostBefore: isoTime(lostBefore) }),
    ...(lastDeliveredAt === null ? {} : { lastDeliveredAt: isoTime(lastDeliveredAt) }),
    ...{ createdAt: isoTime(webhook.createdAt), createdBy },
    attempts: webhook.attempts.map((attempt) => ({ ...attempt, at: isoTime(attempt.at) })),
    updatedAt: isoTime(webhook.updatedAt),
  };
}

function stateOf({ disabled, failures, delays }: Webhook): WebhookState {
  if (disabled !== null) return 'disabled';
  return failures > 0 || Object.keys(delays).length > 0 ? 'failing' : 'active';
}

function lastFailure({ attempts }: Webhook): string | undefined {
  const failed = attempts.find(({ delivered }) => !delivered);
  return failed && (failed.detail ?? `it answered ${String(failed.status)}`);
}

/** For people who read Temporal's Web UI. */
export function webhookDetails({ id, project, state, detail, pending, lastDeliveredAt }: WebhookView): string {
  const why = detail === undefined ? '' : `: ${plainInMarkdown(detail)}`;
  return [
    `Webhook **${id}** of project **${project}** is **${state}**${why}`,
    `${pending} messages wait; the last one was delivered ${lastDeliveredAt ?? 'never'}.`,
  ].join('\n\n');
}
