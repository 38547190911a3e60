/** What the workflow of an endpoint asks of a replica. */
import { collected, type OutboxCursor } from '../../domain/outbox/cursor.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import type { CollectInput, CollectResult, SendInput } from '../../domain/webhook/activities.ts';
import { messageOf } from '../../domain/webhook/message.ts';
import type { DeliveryOutcome, PendingMessage } from '../../domain/webhook/state.ts';
import { inParallel } from '../../lib/waiting/in-parallel.ts';
import type { WebhookTarget } from '../../security/sealing/sealed-webhooks.ts';
import type { Outbox } from '../events/outbox.ts';
import { sendMessage, type SendContext } from './send-message.ts';

/** VMs whose messages are sent at the same time. */
const GROUPS_AT_ONCE = 10;
/** A replica that has not read what is there yet is asked again after so long. */
const READING_MS = 500;

/** Waits for something that is wanted. @throws the reason of `gone`. */
export async function collect(
  outbox: Outbox,
  project: string,
  { filter, cursor: begun, most }: CollectInput,
  gone: AbortSignal,
): Promise<CollectResult> {
  const until = Date.now() + TIMEOUTS.webhookCollectSeconds * 1000;
  let cursor: OutboxCursor = begun;
  let lostBefore: number | undefined;
  for (;;) {
    gone.throwIfAborted();
    if (outbox.follows) {
      if (cursor.sinceMs < outbox.keptSinceMs) lostBefore = outbox.keptSinceMs;
      const lives = outbox.livesSince(project, cursor.sinceMs);
      const taken = collected(lives, cursor, { filter, most, completeUntilMs: outbox.watermarkMs });
      const isOver = taken.items.length > 0 || Date.now() >= until;
      if (isOver) {
        const messages = taken.items.map(messageOf);
        return { messages, cursor: taken.cursor, ...(lostBefore === undefined ? {} : { lostBefore }) };
      }
      cursor = taken.cursor;
    }
    await somethingNew(outbox, project, { gone, withinMs: outbox.follows ? until - Date.now() : READING_MS });
  }
}

/** What happens in other projects wakes nobody: each that is awake looks at all lives. */
function somethingNew(
  outbox: Outbox,
  project: string,
  { gone, withinMs }: { gone: AbortSignal; withinMs: number },
): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      stop();
      gone.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, Math.max(0, withinMs));
    const stop = outbox.onTold((from) => {
      if (outbox.told(from)?.some((item) => item.project === project) ?? true) over();
    });
    gone.addEventListener('abort', over);
  });
}

/** Sends messages of one group one after the other, up to the first that fails. @throws the reason of `gone`. */
export async function sendAll(
  target: WebhookTarget | undefined,
  { messages }: SendInput,
  context: SendContext,
): Promise<DeliveryOutcome[]> {
  const [first] = messages;
  if (target === undefined) {
    const detail = 'the secret of the deployment is another one than it was made with: make the webhook anew';
    return first === undefined ? [] : [{ number: first.number, delivered: false, detail }];
  }
  const until = Date.now() + TIMEOUTS.webhookSendSeconds * 1000;
  const outcomes: DeliveryOutcome[] = [];
  await inParallel(groupsOf(messages), GROUPS_AT_ONCE, async (group) => {
    for (const message of group) {
      if (Date.now() >= until) return;
      const outcome = { number: message.number, ...(await sendMessage(target, message, context)) };
      outcomes.push(outcome);
      if (!outcome.delivered) return;
    }
  });
  return outcomes;
}

function groupsOf(messages: readonly PendingMessage[]): PendingMessage[][] {
  const groups = new Map<string, PendingMessage[]>();
  for (const message of messages) groups.set(message.group, [...(groups.get(message.group) ?? []), message]);
  return [...groups.values()];
}
