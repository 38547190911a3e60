import type { DatedTold } from '../outbox/cursor.ts';
import type { OutboxEvent } from '../outbox/event.ts';
import { isRecord } from '../untrusted.ts';
import type { WebhookMessage } from './state.ts';

/**
 * What went wrong is quoted no further than this, as JSON in UTF-8. Guests have a say in it, and all that waits has to fit
 * into one message of Temporal, which ends a workflow whose next run begins with more than 2 MiB.
 */
const MAX_DETAIL_BYTES = 250;
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
  const data = detail === undefined ? event : { ...event, detail: cutTo(MAX_DETAIL_BYTES, detail) };
  return { messageId: messageIdOf(eventId), eventId, kind, at, data, group };
}

/** A message that says nothing but that it comes. `id`: made up for it. */
export function testMessage(id: string, at: string): WebhookMessage {
  return { messageId: id, eventId: id, kind: TEST_KIND, at, data: { id }, group: id };
}

function cutTo(mostBytes: number, text: string): string {
  let kept = '';
  let bytes = 0;
  for (const character of text) {
    bytes += jsonBytes(character);
    if (bytes > mostBytes) return kept;
    kept += character;
  }
  return kept;
}

/** How many bytes one code point has within a text of JSON. */
function jsonBytes(character: string): number {
  const codePoint = character.codePointAt(0) ?? 0;
  const isEscaped = codePoint < 0x80 || (codePoint >= 0xd800 && codePoint <= 0xdfff);
  if (isEscaped) return JSON.stringify(character).length - 2;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
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
