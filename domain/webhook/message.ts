import type { DatedTold } from '../outbox/cursor.ts';
import type { OutboxEvent } from '../outbox/event.ts';
import { isRecord } from '../untrusted.ts';
import type { WebhookMessage } from './state.ts';

/** What went wrong is quoted no further than this: what waits has to fit into one message of Temporal. */
const MAX_DETAIL_CHARACTERS = 500;
export const TEST_KIND = 'webhook.test';

/** What is sent for one event, or for events of a VM that are lost. */
export function messageOf(told: DatedTold): WebhookMessage {
  if ('event' in told) return eventMessage(told.event);
  const { gap, at } = told;
  const eventId = `${gap.uid}.${gap.to}`;
  return { messageId: `gap_${messageIdOf(eventId)}`, eventId, kind: 'vm.gap', at, data: gap, group: gap.uid };
}

export function eventMessage(event: OutboxEvent): WebhookMessage {
  const { id: eventId, kind, at, uid: group, detail } = event;
  const data = detail === undefined ? event : { ...event, detail: detail.slice(0, MAX_DETAIL_CHARACTERS) };
  return { messageId: messageIdOf(eventId), eventId, kind, at, data, group };
}

/** A message that says nothing but that it comes. `id`: made up for it. */
export function testMessage(id: string, at: string): WebhookMessage {
  return { messageId: id, eventId: id, kind: TEST_KIND, at, data: { id }, group: id };
}

/** In what is signed, stops stand between the parts. */
function messageIdOf(eventId: string): string {
  return eventId.replaceAll('.', '_');
}

/** A message that was sent by signal; undefined for anything else. */
export function askedMessageOf(sent: unknown): WebhookMessage | undefined {
  if (!isRecord(sent)) return undefined;
  const { messageId, eventId, kind, at, data, group } = sent;
  const texts = [messageId, eventId, kind, at, group];
  if (!texts.every((text) => typeof text === 'string') || data === undefined) return undefined;
  return sent as unknown as WebhookMessage;
}
