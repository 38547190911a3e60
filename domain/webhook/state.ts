/**
 * One endpoint that is told what happens to the VMs of a project. JSON only; times are epoch ms. Where it is and its secret
 * are sealed: neither this nor a history shows them.
 */
import { beginningNow, type OutboxCursor } from '../outbox/cursor.ts';
import type { EventFilter } from '../outbox/event.ts';

/** As many messages wait at most. Then nothing more is collected: the outbox itself keeps the last events of each VM. */
export const MOST_PENDING = 1500;
export const COLLECTED_AT_ONCE = 200;
/** Messages that somebody asked for wait beside them. */
export const MOST_ASKED_FOR = 50;
export const ATTEMPTS_KEPT = 20;
/** Messages that are sent in one go, and those of one VM among them. */
export const BATCH = { all: 100, ofGroup: 20 } as const;
/** While nothing gets through: so many VMs have their first message tried, as one that is refused must not stop the others. */
export const PROBES = 5;
/** Between two tries: doubled from the first to the last. */
export const AGAIN_SECONDS = { first: 2, last: 600 } as const;
/** An endpoint that takes nothing for so long is disabled; a message that is refused for so long is given up. */
export const DISABLED_AFTER_SECONDS = 5 * 24 * 3600;

/** What is sent, and in which order. */
export interface WebhookMessage {
  /** Names it in its headers: the same at each try. */
  messageId: string;
  eventId: string;
  kind: string;
  /** RFC 3339. */
  at: string;
  /** JSON. */
  data: unknown;
  /** Messages of one group are delivered one after the other: a life, or what somebody asked for. */
  group: string;
}

export interface PendingMessage extends WebhookMessage {
  /** Tells it from every other one of this endpoint. */
  number: number;
}

/** What came of sending one message. */
export interface DeliveryOutcome {
  number: number;
  delivered: boolean;
  /** Of the answer; absent: there was none. */
  status?: number;
  detail?: string;
  /** The endpoint asks for a pause. */
  retryAfterSeconds?: number;
  /** The endpoint says that it will never take a message again. */
  gone?: true;
}

export interface Attempt {
  eventId: string;
  kind: string;
  at: number;
  /** Which try of this message, from 1. */
  number: number;
  delivered: boolean;
  status?: number;
  detail?: string;
}

/** A group whose first message is refused. */
export interface GroupDelay {
  attempts: number;
  since: number;
  until: number;
}

export interface Webhook {
  project: string;
  id: string;
  filter: EventFilter;
  description: string | null;
  createdBy: string;
  createdAt: number;
  /** URL and secret, for replicas of the API alone to open. */
  sealed: string;
  disabledAfterSeconds: number;
  cursor: OutboxCursor;
  /** Oldest first. */
  pending: PendingMessage[];
  nextNumber: number;
  delays: Record<string, GroupDelay>;
  /** Goes in a row in which nothing was delivered. */
  failures: number;
  failingSince: number | null;
  /** Not before; null: at once. */
  retryAt: number | null;
  disabled: { at: number; detail: string } | null;
  /** Events from before were lost, as they were not kept for so long. */
  lostBefore: number | null;
  lastDeliveredAt: number | null;
  /** Newest first. */
  attempts: Attempt[];
  updatedAt: number;
}

export interface NewWebhook {
  project: string;
  id: string;
  filter: EventFilter;
  description: string | null;
  createdBy: string;
  sealed: string;
  at: number;
  /** Only tests set it. */
  disabledAfterSeconds?: number;
}

export function newWebhook({ at, disabledAfterSeconds = DISABLED_AFTER_SECONDS, ...start }: NewWebhook): Webhook {
  return {
    ...start,
    createdAt: at,
    disabledAfterSeconds,
    cursor: beginningNow(at),
    ...{ pending: [], nextNumber: 1, delays: {} },
    ...{ failures: 0, failingSince: null, retryAt: null, disabled: null, lostBefore: null },
    ...{ lastDeliveredAt: null, attempts: [], updatedAt: at },
  };
}
