import type { OutboxCursor } from '../outbox/cursor.ts';
import type { EventFilter } from '../outbox/event.ts';
import type { DeliveryOutcome, PendingMessage, WebhookMessage } from './state.ts';

export interface CollectInput {
  filter: EventFilter;
  cursor: OutboxCursor;
  /** Messages at once. */
  most: number;
}

export interface CollectResult {
  messages: WebhookMessage[];
  cursor: OutboxCursor;
  /** What happened before, epoch ms, was not kept for so long. */
  lostBefore?: number;
}

export interface SendInput {
  sealed: string;
  messages: PendingMessage[];
}

/** What the workflow of an endpoint asks of replicas of the API, which see the outbox and open what is sealed. */
export interface WebhookActivities {
  /** Waits for what happens next in the project of the workflow; answers with nothing after a while. */
  collectEvents(input: CollectInput): Promise<CollectResult>;
  /** Sends messages; of a group those after one that failed are not tried, and have no outcome. */
  sendMessages(input: SendInput): Promise<DeliveryOutcome[]>;
}
