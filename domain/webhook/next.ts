/** What an endpoint does next, and what becomes of it. */
import { AGAIN_SECONDS, ATTEMPTS_KEPT, BATCH, MOST_ASKED_FOR, MOST_PENDING, PROBES } from './state.ts';
import type { Attempt, DeliveryOutcome, GroupDelay, PendingMessage, Webhook, WebhookMessage } from './state.ts';
import type { WebhookEvent } from './events.ts';

type Sent = Extract<WebhookEvent, { kind: 'sent' }>;

/** Messages that somebody asked for wait for no other. */
const ASKED_FOR = 'asked for ';

export function next(webhook: Webhook, event: WebhookEvent): Webhook {
  switch (event.kind) {
    case 'collected': {
      const { messages, cursor, lostBefore = webhook.lostBefore, at } = event;
      return { ...withMessages(webhook, messages), cursor, lostBefore, updatedAt: at };
    }
    case 'askedFor': {
      const { message, at } = event;
      const waiting = webhook.pending.filter(({ group }) => group.startsWith(ASKED_FOR)).length;
      if (webhook.disabled !== null || waiting >= MOST_ASKED_FOR) return webhook;
      const group = `${ASKED_FOR}${webhook.nextNumber}`;
      return { ...withMessages(webhook, [{ ...message, group }]), updatedAt: at };
    }
    case 'enabled':
      if (webhook.disabled === null) return webhook;
      return {
        ...webhook,
        disabled: null,
        failures: 0,
        failingSince: null,
        retryAt: null,
        delays: {},
        updatedAt: event.at,
      };
    case 'sent':
      return sent(webhook, event);
  }
}

/** Whether there is room for what happens next. */
export function mayCollect({ disabled, pending }: Webhook): boolean {
  return disabled === null && pending.length < MOST_PENDING;
}

/** What is to be sent now: messages of one group in their order, those of groups that wait for their next try left aside. */
export function toSend({ disabled, retryAt, pending, delays, failures }: Webhook, now: number): PendingMessage[] {
  if (disabled !== null || (retryAt !== null && retryAt > now)) return [];
  const groups = new Map<string, PendingMessage[]>();
  for (const message of pending) {
    if ((delays[message.group]?.until ?? 0) > now) continue;
    const group = groups.get(message.group) ?? [];
    if (group.length < BATCH.ofGroup) group.push(message);
    groups.set(message.group, group);
  }
  if (failures === 0) return [...groups.values()].flat().slice(0, BATCH.all);
  const tries = ([group]: [string, PendingMessage[]]): number => delays[group]?.attempts ?? 0;
  const probes = [...groups].sort((a, b) => tries(a) - tries(b)).slice(0, PROBES);
  return probes.flatMap(([, messages]) => messages.slice(0, 1));
}

/** When there is something to send, epoch ms: perhaps a moment that has passed. Undefined where nothing waits for a time. */
export function nextSend(webhook: Webhook): number | undefined {
  const { disabled, retryAt, pending, delays } = webhook;
  if (disabled !== null || pending.length === 0) return undefined;
  const first = Math.min(...pending.map(({ group }) => delays[group]?.until ?? 0));
  return Math.max(first, retryAt ?? 0);
}

function withMessages(webhook: Webhook, messages: readonly WebhookMessage[]): Webhook {
  const numbered = messages.map((message, index) => ({ ...message, number: webhook.nextNumber + index }));
  return {
    ...webhook,
    pending: [...webhook.pending, ...numbered],
    nextNumber: webhook.nextNumber + messages.length,
  };
}

function sent(webhook: Webhook, { outcomes, at }: Sent): Webhook {
  const answered = outcomes.flatMap((outcome) => {
    const message = webhook.pending.find(({ number }) => number === outcome.number);
    return message === undefined ? [] : [{ message, outcome }];
  });
  if (answered.length === 0) return webhook;
  const anyDelivered = answered.some(({ outcome }) => outcome.delivered);
  const delays = new Map(Object.entries(webhook.delays));
  const over = new Set<number>();
  const attempts: Attempt[] = [];
  for (const { message, outcome } of answered) {
    const before = delays.get(message.group);
    const number = (before?.attempts ?? 0) + 1;
    const since = before?.since ?? at;
    const isGivenUp = !outcome.delivered && anyDelivered && isOverdue(webhook, since, at);
    attempts.unshift(attemptOf(message, outcome, { at, number, isGivenUp }));
    if (outcome.delivered || isGivenUp) {
      over.add(message.number);
      delays.delete(message.group);
    } else {
      delays.set(message.group, { attempts: number, since, until: anyDelivered ? at + pauseMs(number) : 0 });
    }
  }
  const pending = webhook.pending.filter(({ number }) => !over.has(number));
  const known: Webhook = {
    ...webhook,
    ...{ pending, delays: ofPending(delays, pending), updatedAt: at },
    attempts: [...attempts, ...webhook.attempts].slice(0, ATTEMPTS_KEPT),
  };
  const told = answered.map(({ outcome }) => outcome);
  return anyDelivered ? { ...working(known), lastDeliveredAt: at } : failing(known, told, at);
}

function working(webhook: Webhook): Webhook {
  return { ...webhook, failures: 0, failingSince: null, retryAt: null };
}

function failing(webhook: Webhook, outcomes: readonly DeliveryOutcome[], at: number): Webhook {
  const failures = webhook.failures + 1;
  const failingSince = webhook.failingSince ?? at;
  const last = outcomes.at(-1);
  const why = last?.detail ?? `it answered ${String(last?.status)}`;
  if (outcomes.some(({ gone }) => gone)) {
    const detail = 'It answered 410: it takes no message any more';
    return { ...webhook, failures, failingSince, retryAt: null, disabled: { at, detail } };
  }
  if (isOverdue(webhook, failingSince, at)) {
    const days = Math.floor((at - failingSince) / 86_400_000);
    const detail = `It took nothing for ${days} days; last: ${why}`;
    return { ...webhook, failures, failingSince, retryAt: null, disabled: { at, detail } };
  }
  const asked = Math.max(0, ...outcomes.map(({ retryAfterSeconds = 0 }) => retryAfterSeconds));
  const pause = Math.max(pauseMs(failures), Math.min(asked, AGAIN_SECONDS.last) * 1000);
  return { ...webhook, failures, failingSince, retryAt: at + pause };
}

function isOverdue({ disabledAfterSeconds }: Webhook, since: number, at: number): boolean {
  return at - since >= disabledAfterSeconds * 1000;
}

function pauseMs(attempts: number): number {
  return Math.min(AGAIN_SECONDS.last, AGAIN_SECONDS.first * 2 ** Math.min(attempts - 1, 20)) * 1000;
}

function attemptOf(
  { eventId, kind }: PendingMessage,
  { delivered, status, detail }: DeliveryOutcome,
  { at, number, isGivenUp }: { at: number; number: number; isGivenUp: boolean },
): Attempt {
  const said = isGivenUp ? `given up after ${number} tries: ${detail ?? `it answered ${String(status)}`}` : detail;
  return {
    ...{ eventId, kind, at, number, delivered },
    ...(status === undefined ? {} : { status }),
    ...(said === undefined ? {} : { detail: said }),
  };
}

function ofPending(
  delays: ReadonlyMap<string, GroupDelay>,
  pending: readonly PendingMessage[],
): Record<string, GroupDelay> {
  const groups = new Set(pending.map(({ group }) => group));
  return Object.fromEntries([...delays].filter(([group]) => groups.has(group)));
}
