import { setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { webhookDetails, webhookView } from '../../domain/webhook/view.ts';
import { MEMO } from '../../domain/wire-names.ts';
import { SEARCH_KEY } from '../search-attributes.ts';
import type { WebhookRecord } from './webhook-record.ts';

/** Shows the endpoint as it is now. */
export function publish(record: WebhookRecord): void {
  const before = record.shown;
  record.shown = record.webhook;
  const view = webhookView(record.webhook);
  if (before === undefined || webhookView(before).state !== view.state) {
    upsertSearchAttributes([
      { key: SEARCH_KEY.project, value: view.project },
      { key: SEARCH_KEY.state, value: view.state },
    ]);
  }
  upsertMemo({ [MEMO.webhook]: view });
  setCurrentDetails(webhookDetails(view));
}
