import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testMessage } from '../../../domain/webhook/message.ts';
import { mayCollect, next, nextSend, toSend } from '../../../domain/webhook/next.ts';
import {
  BATCH,
  MOST_ASKED_FOR,
  MOST_PENDING,
  newWebhook,
  PROBES,
  type DeliveryOutcome,
  type Webhook,
  type WebhookMessage,
} from '../../../domain/webhook/state.ts';
import { webhookView } from '../../../domain/webhook/view.ts';

const START = Date.parse('2026-11-30T06:00:00Z');
const DAY = 86_400_000;

function fresh(): Webhook {
  const start = { ...{ project: 'default', id: 'wh-1', filter: {}, description: null }, createdBy: 'key' };
  return newWebhook({ ...start, sealed: 'v1.x', at: START });
}

function message(group: string, number: number): WebhookMessage {
  return { ...testMessage(`${group}_${number}`, new Date(START).toISOString()), group };
}

const withMessages = (webhook: Webhook, messages: WebhookMessage[], at = START): Webhook =>
  next(webhook, { kind: 'collected', at, messages, cursor: { sinceMs: at, seen: {} } });

/** Sends what is to be sent now, answered by `answer`, up to the first of each group that fails. */
function go(webhook: Webhook, at: number, answer: (group: string) => Partial<DeliveryOutcome>): Webhook {
  const failed = new Set<string>();
  const outcomes: DeliveryOutcome[] = [];
  for (const { number, group } of toSend(webhook, at)) {
    if (failed.has(group)) continue;
    const outcome = { number, delivered: true, ...answer(group) };
    if (!outcome.delivered) failed.add(group);
    outcomes.push(outcome);
  }
  return next(webhook, { kind: 'sent', at, outcomes });
}

const REFUSED = { delivered: false, status: 500 };
const groups = (webhook: Webhook, at: number): string[] => toSend(webhook, at).map(({ group }) => group);

describe('an endpoint', () => {
  it('gets what was collected, those of one VM in their order', () => {
    const webhook = withMessages(fresh(), [message('a', 1), message('b', 1), message('a', 2)]);
    expect(toSend(webhook, START).map(({ messageId }) => messageId)).toEqual(['a_1', 'a_2', 'b_1']);
    expect(go(webhook, START, () => ({}))).toMatchObject({ pending: [], lastDeliveredAt: START, failures: 0 });
  });

  it('that takes nothing is asked again after pauses that grow, a few VMs at a time', () => {
    const messages = Array.from({ length: 20 }, (_, index) => message(`vm-${index}`, 1));
    let webhook = go(withMessages(fresh(), messages), START, () => REFUSED);
    const pauses: number[] = [];
    for (let at = START, index = 0; index < 12; index += 1) {
      const due = nextSend(webhook) ?? 0;
      pauses.push((due - at) / 1000);
      at = due;
      expect(toSend(webhook, at - 1)).toEqual([]);
      expect(toSend(webhook, at)).toHaveLength(PROBES);
      webhook = go(webhook, at, () => REFUSED);
    }
    expect(pauses).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]);
    expect(webhookView(webhook)).toMatchObject({ state: 'failing', pending: 20, detail: 'it answered 500' });
  });

  it('gets the messages of other VMs while one is refused, and that one again in its order', () => {
    let webhook = withMessages(fresh(), [message('bad', 1), message('bad', 2), message('good', 1)]);
    webhook = go(webhook, START, (group) => (group === 'bad' ? REFUSED : {}));
    expect(webhook.pending.map(({ messageId }) => messageId)).toEqual(['bad_1', 'bad_2']);
    webhook = withMessages(webhook, [message('good', 2)], START + 1);
    expect(groups(webhook, START + 1)).toEqual(['good']);
    webhook = go(webhook, START + 1, () => ({}));
    expect(groups(webhook, nextSend(webhook) ?? 0)).toEqual(['bad', 'bad']);
  });

  it('that refuses one message for ever gets the others, and that one is given up after days', () => {
    let webhook = withMessages(fresh(), [message('bad', 1), message('bad', 2)]);
    let givenUpAt = 0;
    for (let at = START; at < START + 6 * DAY && givenUpAt === 0; at += DAY / 288) {
      webhook = withMessages(webhook, [message('good', at)], at);
      webhook = go(webhook, at, (group) => (group === 'bad' ? REFUSED : {}));
      expect(webhook.pending.some(({ group }) => group === 'good')).toBe(false);
      if (webhook.pending[0]?.messageId === 'bad_2') givenUpAt = at;
    }
    expect(givenUpAt - START).toBeGreaterThanOrEqual(5 * DAY);
    expect(webhook.attempts.find(({ eventId }) => eventId === 'bad_1')?.detail).toContain('given up after');
    expect(webhook.disabled).toBeNull();
  });

  it('is disabled after days in which it took nothing, says why, and goes on where it was once it is enabled', () => {
    let webhook = withMessages(fresh(), [message('a', 1)]);
    for (let tries = 0; tries < 2000 && webhook.disabled === null; tries += 1) {
      webhook = go(webhook, Math.max(START, nextSend(webhook) ?? 0), () => ({
        delivered: false,
        detail: 'no answer: ECONNREFUSED',
      }));
    }
    expect(webhook.disabled?.detail).toBe('It took nothing for 5 days; last: no answer: ECONNREFUSED');
    expect((webhook.disabled?.at ?? 0) - START).toBeGreaterThanOrEqual(5 * DAY);
    expect((webhook.disabled?.at ?? 0) - START).toBeLessThan(5.01 * DAY);
    expect([mayCollect(webhook), nextSend(webhook), toSend(webhook, START + 99 * DAY)]).toEqual([false, undefined, []]);
    const again = next(webhook, { kind: 'enabled', at: START + 6 * DAY });
    expect(groups(again, START + 6 * DAY)).toEqual(['a']);
    expect(webhookView(go(again, START + 6 * DAY, () => ({}))).state).toBe('active');
  });

  it('that answers 410 is disabled at once', () => {
    const webhook = go(withMessages(fresh(), [message('a', 1)]), START, () => ({
      ...REFUSED,
      status: 410,
      gone: true,
    }));
    expect(webhook.disabled?.detail).toContain('410');
  });

  it('that asks for a pause gets it, up to ten minutes', () => {
    const busy = (retryAfterSeconds: number): number | undefined =>
      nextSend(go(withMessages(fresh(), [message('a', 1)]), START, () => ({ ...REFUSED, retryAfterSeconds })));
    expect(busy(30)).toBe(START + 30_000);
    expect(busy(999_999)).toBe(START + 600_000);
  });

  it('has no more waiting than its limits, whoever asks for messages', () => {
    let webhook = fresh();
    for (let index = 0; mayCollect(webhook); index += 1) webhook = withMessages(webhook, [message('a', index)]);
    expect(webhook.pending).toHaveLength(MOST_PENDING);
    for (let index = 0; index < 2 * MOST_ASKED_FOR; index += 1) {
      webhook = next(webhook, { kind: 'askedFor', at: START, message: message('a', index) });
    }
    expect(webhook.pending).toHaveLength(MOST_PENDING + MOST_ASKED_FOR);
    expect(toSend(webhook, START)).toHaveLength(BATCH.ofGroup + MOST_ASKED_FOR);
  });

  it('takes an outcome of something that is not waiting any more for nothing', () => {
    const webhook = withMessages(fresh(), [message('a', 1)]);
    expect(next(webhook, { kind: 'sent', at: START, outcomes: [{ number: 99, delivered: true }] })).toBe(webhook);
  });
});

describe('an hour of an endpoint that is down, in virtual time', () => {
  it('costs no event and no order, whatever is killed in between', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(99)), (dice) => {
        const roll = (): number => dice.next().value as number;
        let webhook = fresh();
        const [downFrom, downUntil, end] = [START + 600_000, START + 4_200_000, START + 6_000_000];
        const taken = new Map<string, number[]>();
        const told = new Map<string, number>();
        for (let at = START; at < end || webhook.pending.length > 0; at += 5000) {
          expect(at).toBeLessThan(end + 3_600_000);
          if (at < end && roll() < 20) {
            const vm = `vm-${roll() % 5}`;
            const number = (told.get(vm) ?? 0) + 1;
            told.set(vm, number);
            webhook = withMessages(webhook, [message(vm, number)], at);
          }
          const isDown = at >= downFrom && at < downUntil;
          const sent = toSend(webhook, at);
          if (sent.length === 0) continue;
          const outcomes = sent.map(({ number, group, messageId }) => {
            if (!isDown) taken.set(group, [...(taken.get(group) ?? []), Number(messageId.split('_')[1])]);
            return { number, delivered: !isDown };
          });
          // Killed before it could say what came of it: it is sent again.
          if (roll() < 10) continue;
          webhook = next(webhook, { kind: 'sent', at, outcomes });
        }
        for (const [vm, last] of told) {
          const firsts = [...new Set(taken.get(vm))];
          expect(firsts).toEqual(Array.from({ length: last }, (_, index) => index + 1));
        }
      }),
      { numRuns: 20 },
    );
  });
});
