import { setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { requestQueueDetails, requestQueueView } from '../../domain/request/view.ts';
import { MEMO } from '../../domain/wire-names.ts';
import { SEARCH_KEY } from '../search-attributes.ts';
import type { QueueRecord } from './queue-record.ts';

/** Shows what waits, and what came of the rest, as it is now. */
export function publish(record: QueueRecord): void {
  const before = record.shown;
  const { queue } = record;
  record.shown = queue;
  const view = requestQueueView(queue);
  const waits = queue.waiting.length > 0;
  if (before === undefined || before.waiting.length > 0 !== waits) {
    upsertSearchAttributes([
      { key: SEARCH_KEY.project, value: queue.project },
      { key: SEARCH_KEY.state, value: waits ? 'queued' : 'done' },
    ]);
  }
  upsertMemo({ [MEMO.requests]: view });
  setCurrentDetails(requestQueueDetails(view));
}
