/**
 * The workflow of an endpoint: it keeps what the endpoint is still to be told, whatever is down, has replicas of the API tell
 * it, and tries again. `next` in domain/webhook decides.
 */
import { allHandlersFinished, condition } from '@temporalio/workflow';
import { newWebhook } from '../../domain/webhook/state.ts';
import { continueInFreshHistory, isHistoryFull } from '../fresh-history.ts';
import type { WebhookInput } from '../messages.ts';
import { publishEachChange } from '../publish-changes.ts';
import { runWhile } from '../run-while.ts';
import { collect, deliver } from './delivering.ts';
import { handleMessages } from './handlers.ts';
import { publish } from './publishing.ts';
import { WebhookRecord } from './webhook-record.ts';

/** Of its state, a run begins with up to a megabyte. */
const HISTORY_LIMIT_EVENTS = 800;

export async function runWebhook(input: WebhookInput): Promise<never> {
  const { start, resume, historyLimitEvents = HISTORY_LIMIT_EVENTS } = input;
  const record = new WebhookRecord(resume ?? newWebhook({ ...start, at: Date.now() }));
  handleMessages(record);
  const isFull = (): boolean => isHistoryFull(historyLimitEvents);
  const collecting = runWhile(
    () => !isFull(),
    () => collect(record),
  );
  await Promise.race([collecting, publishEachChange(record, publish), deliver(record)]);
  record.leaves = true;
  await collecting;
  await condition(() => allHandlersFinished() && !record.isSending);
  if (!record.published) publish(record);
  return continueInFreshHistory<typeof runWebhook>({ ...input, resume: record.webhook });
}
