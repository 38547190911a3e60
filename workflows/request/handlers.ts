import { setHandler } from '@temporalio/workflow';
import { acceptedRequestOf, requestIdOf } from '../../domain/request/messages.ts';
import { requestQueueView } from '../../domain/request/view.ts';
import { ignoreSignal } from '../ignored-signal.ts';
import { MessageHandlers } from '../message-handlers.ts';
import { acceptRequestSignal, cancelRequestSignal, requestQueueQuery } from '../messages.ts';
import type { QueueRecord } from './queue-record.ts';

/** Handlers only record events. */
export function handleMessages(record: QueueRecord): void {
  const handlers = new MessageHandlers();
  handlers.onSignal(acceptRequestSignal, (message: unknown) => {
    const request = acceptedRequestOf(message);
    if (request === undefined) ignoreSignal(acceptRequestSignal, 'a request that the API accepted');
    else record.record({ kind: 'accepted', request });
  });
  handlers.onSignal(cancelRequestSignal, (message: unknown) => {
    const id = requestIdOf(message);
    if (id === undefined) ignoreSignal(cancelRequestSignal, '{id}');
    else record.record({ kind: 'cancelRequested', id });
  });
  setHandler(requestQueueQuery, () => requestQueueView(record.queue));
  handlers.begin();
}
