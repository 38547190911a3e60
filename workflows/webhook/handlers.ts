import { setHandler } from '@temporalio/workflow';
import { askedMessageOf } from '../../domain/webhook/message.ts';
import { webhookView } from '../../domain/webhook/view.ts';
import { ignoreSignal } from '../ignored-signal.ts';
import { MessageHandlers } from '../message-handlers.ts';
import { enableWebhookSignal, sendMessageSignal, webhookQuery } from '../messages.ts';
import type { WebhookRecord } from './webhook-record.ts';

/** Handlers only record events. */
export function handleMessages(record: WebhookRecord): void {
  const handlers = new MessageHandlers();
  handlers.onSignal(enableWebhookSignal, () => record.record({ kind: 'enabled' }));
  handlers.onSignal(sendMessageSignal, (sent: unknown) => {
    const message = askedMessageOf(sent);
    if (message === undefined) ignoreSignal(sendMessageSignal, 'a message');
    else record.record({ kind: 'askedFor', message });
  });
  setHandler(webhookQuery, () => webhookView(record.webhook));
  handlers.begin();
}
