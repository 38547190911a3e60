/**
 * The workflow of the requests that were accepted for one name and are done later: it keeps them, whatever is down, has
 * replicas of the API do one after the other, and tells what came of each for a day. `next` in domain/request decides.
 */
import { allHandlersFinished, condition } from '@temporalio/workflow';
import { isOver, resumed } from '../../domain/request/next.ts';
import { newRequestQueue } from '../../domain/request/state.ts';
import { requestQueueView, type RequestQueueView } from '../../domain/request/view.ts';
import { continueInFreshHistory, isHistoryFull } from '../fresh-history.ts';
import type { RequestsInput } from '../messages.ts';
import { doInTurn, watchTheClock } from './doing.ts';
import { handleMessages } from './handlers.ts';
import { publishEachChange } from '../publish-changes.ts';
import { publish } from './publishing.ts';
import { QueueRecord } from './queue-record.ts';

/** A request is about fifteen events. */
const HISTORY_LIMIT_EVENTS = 800;

export async function runRequests(input: RequestsInput): Promise<RequestQueueView> {
  const { project, name, resume } = input;
  const record = new QueueRecord(
    resume === undefined ? newRequestQueue({ project, name, at: Date.now() }) : resumed(resume),
  );
  handleMessages(record);
  const limit = input.historyLimitEvents ?? HISTORY_LIMIT_EVENTS;
  const isDone = (): boolean => isOver(record.queue);
  const isFull = (): boolean => isHistoryFull(limit);
  // What is under way is waited for: nobody can hand its end on to a fresh history.
  const isIdle = (): boolean => record.queue.running === null;
  await Promise.race([
    condition(() => isDone() || (isIdle() && isFull())),
    publishEachChange(record, publish),
    doInTurn(record, isFull),
    watchTheClock(record),
  ]);
  record.leaves = true;
  await condition(() => allHandlersFinished() && isIdle());
  if (!record.published) publish(record);
  if (isOver(record.queue)) return requestQueueView(record.queue);
  return continueInFreshHistory<typeof runRequests>({ ...input, resume: record.queue });
}
