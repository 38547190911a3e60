import { describe, expect, it } from 'vitest';
import type { OutboxEvent } from '../../../domain/outbox/event.ts';
import { eventMessage } from '../../../domain/webhook/message.ts';
import { next } from '../../../domain/webhook/next.ts';
import { COLLECTED_AT_ONCE, MOST_ASKED_FOR, MOST_PENDING, newWebhook } from '../../../domain/webhook/state.ts';

const AT = Date.parse('2026-11-30T06:00:00Z');
/** Beside what waits, the place in the outbox needs room. */
const ROOM_BYTES = 1_600_000;
const UID = '019ae123-4567-7abc-8def-0123456789ab';

function longest(number: number, detail: string): OutboxEvent {
  return {
    ...{ id: `${UID}.${number}`, number, kind: 'vm.destroying', at: new Date(AT).toISOString(), uid: UID },
    ...{ vm: 'v'.repeat(63), template: 't'.repeat(63), state: 'destroying', reason: 'createFailed' },
    ...{ detail, connections: 9999 },
  };
}

const said = (detail: string): unknown => (eventMessage(longest(1, detail)).data as OutboxEvent).detail;

describe('what waits for an endpoint', () => {
  it.each([
    ['Latin letters', 'a'],
    ['Chinese ones', '\u4e2d'],
    ['smileys', '\u{1f600}'],
    ['control characters', '\u0001'],
    ['quotation marks', '"'],
    ['halves of characters', '\ud800'],
  ])('fits into one message of Temporal, also where guests fail with %s', (_, character) => {
    const most = MOST_PENDING - 1 + COLLECTED_AT_ONCE + MOST_ASKED_FOR;
    const messages = Array.from({ length: most }, (_one, number) =>
      eventMessage(longest(number, character.repeat(500))),
    );
    const start = { project: 'default', id: 'wh-1', filter: {}, description: null, createdBy: 'key', sealed: 'v1.x' };
    const cursor = { sinceMs: AT, seen: {} };
    const webhook = next(newWebhook({ ...start, at: AT }), { kind: 'collected', at: AT, messages, cursor });
    expect(webhook.pending).toHaveLength(most);
    expect(Buffer.byteLength(JSON.stringify(webhook))).toBeLessThan(ROOM_BYTES);
  });

  it('quotes what went wrong as it is, and the beginning of what is long', () => {
    expect(said('the program ended: "\u4e2d"')).toBe('the program ended: "\u4e2d"');
    expect(said('x'.repeat(600))).toBe('x'.repeat(250));
    expect(said('\u4e2d'.repeat(600))).toBe('\u4e2d'.repeat(83));
  });
});
