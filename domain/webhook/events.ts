import type { OutboxCursor } from '../outbox/cursor.ts';
import type { DeliveryOutcome, WebhookMessage } from './state.ts';

/** What can happen to an endpoint; `at` in epoch ms. */
export type WebhookEvent = { at: number } & (
  | { kind: 'collected'; messages: WebhookMessage[]; cursor: OutboxCursor; lostBefore?: number }
  | { kind: 'sent'; outcomes: DeliveryOutcome[] }
  /** Somebody wants a message sent: a test, or one of before. */
  | { kind: 'askedFor'; message: WebhookMessage }
  | { kind: 'enabled' }
);
