import { ActivityFailure, condition, log, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { RequestActivities } from '../../domain/request/activities.ts';
import { nextWake, toBegin } from '../../domain/request/next.ts';
import { requestProblem } from '../../domain/request/problem.ts';
import type { RequestOutcome, WaitingRequest } from '../../domain/request/state.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { requestTaskQueue } from '../../domain/wire-names.ts';
import type { QueueRecord } from './queue-record.ts';

/** One after the other. `isFull`: what follows is for a fresh history, or those that come without a pause would fill this one. */
export async function doInTurn(record: QueueRecord, isFull: () => boolean): Promise<never> {
  const first = (): WaitingRequest | undefined =>
    record.leaves || isFull() ? undefined : toBegin(record.queue, Date.now());
  for (;;) {
    await condition(() => first() !== undefined);
    const request = first();
    if (request === undefined) continue;
    const { id } = request;
    record.record({ kind: 'begun', id });
    record.record({ kind: 'outcome', id, outcome: await doOne(record, request) });
  }
}

/** Says that time went by where that changes something. */
export async function watchTheClock(record: QueueRecord): Promise<never> {
  for (;;) {
    const at = nextWake(record.queue);
    const hasChanged = (): boolean => nextWake(record.queue) !== at;
    const isDue = at !== undefined && !(await condition(hasChanged, Math.max(1, at - Date.now())));
    if (isDue) record.record({ kind: 'clock' });
    // A request that is due is begun by the other loop, which changes what comes next.
    if (at === undefined || Date.now() >= at) await condition(hasChanged);
  }
}

async function doOne(record: QueueRecord, request: WaitingRequest): Promise<RequestOutcome> {
  const { project, name } = record.queue;
  const { doRequest } = proxyActivities<RequestActivities>({
    taskQueue: requestTaskQueue(workflowInfo().taskQueue),
    summary: `${request.operation} of ${name}`,
    // None until it starts: that would count for each try, also of a request that was begun in its time. Who takes it too late refuses it.
    startToCloseTimeout: TIMEOUTS.requestAttemptSeconds * 1000,
    heartbeatTimeout: TIMEOUTS.activityHeartbeatSeconds * 1000,
    retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' },
  });
  try {
    const { id, sealed, life } = request;
    return await doRequest({ ...{ project, name, id, sealed }, ...(life === undefined ? {} : { life }) });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    log.error('a request could not be done', { project, name, request: request.id, failure: error.message });
    // Whoever takes it answers with an outcome; what fails is that nobody did.
    const problem = requestProblem('internal', 'The request was taken and no outcome is known');
    return { kind: 'failed', problem };
  }
}
