import { condition, proxyActivities, workflowInfo } from '@temporalio/workflow';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import type { WebhookActivities } from '../../domain/webhook/activities.ts';
import { mayCollect, nextSend, toSend } from '../../domain/webhook/next.ts';
import { COLLECTED_AT_ONCE } from '../../domain/webhook/state.ts';
import { webhookTaskQueue } from '../../domain/wire-names.ts';
import type { WebhookRecord } from './webhook-record.ts';

function activities(summary: string, attemptSeconds: number): WebhookActivities {
  return proxyActivities<WebhookActivities>({
    taskQueue: webhookTaskQueue(workflowInfo().taskQueue),
    summary,
    startToCloseTimeout: attemptSeconds * 1000,
    heartbeatTimeout: TIMEOUTS.activityHeartbeatSeconds * 1000,
    retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' },
  });
}

/** Takes what happens, as long as there is room for it. Cancelled when the run ends: what it would take is there still. */
export async function collect(record: WebhookRecord): Promise<void> {
  for (;;) {
    await condition(() => mayCollect(record.webhook));
    const { filter, cursor } = record.webhook;
    const api = activities('Waits for what happens', TIMEOUTS.webhookCollectAttemptSeconds);
    const result = await api.collectEvents({ filter, cursor, most: COLLECTED_AT_ONCE });
    record.record({ kind: 'collected', ...result });
  }
}

/** Sends what waits, in its order and its time. */
export async function deliver(record: WebhookRecord): Promise<never> {
  for (;;) {
    const at = nextSend(record.webhook);
    const isTime = (): boolean => !record.leaves && toSend(record.webhook, Date.now()).length > 0;
    if (!isTime()) {
      const hasChanged = (): boolean => nextSend(record.webhook) !== at;
      if (at === undefined || at <= Date.now()) await condition(() => hasChanged() || isTime());
      else await condition(hasChanged, at - Date.now());
      continue;
    }
    record.isSending = true;
    const { sealed } = record.webhook;
    const messages = toSend(record.webhook, Date.now());
    const api = activities(`${messages.length} messages`, TIMEOUTS.webhookSendAttemptSeconds);
    record.record({ kind: 'sent', outcomes: await api.sendMessages({ sealed, messages }) });
    record.isSending = false;
  }
}
