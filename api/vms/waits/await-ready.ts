import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiContext } from '../../api-context.ts';
import { ApiProblem } from '../../http/errors/problem.ts';
import { secondsLeft, type CallersTime } from './shared-waits.ts';
import { isBeingReplaced, isEnding, isStopped, type VmRecord } from '../seen/vm-record.ts';
import { presented } from '../seen/vm-reply.ts';

const RETRY_MS = 500;

/**
 * The record once the VM has left its start, or as it is when the time is over.
 * @throws ApiProblem `endedBeforeReady`, or `startFailed` for one that was stopped or suspended and is so again.
 */
export async function awaitReady(api: ApiContext, record: VmRecord, time: CallersTime): Promise<VmRecord> {
  // A start that no worker has taken yet: the VM is as it was.
  const isAsked = (seen: VmRecord): boolean => isStopped(seen) && seen.view.updatedAt === record.view.updatedAt;
  let now = record;
  while ((isStarting(now) || isAsked(now)) && secondsLeft(time) > 0) {
    const answered =
      isBeingReplaced(now) || isAsked(now)
        ? await sleep(RETRY_MS, true, { signal: time.gone }).catch(() => false)
        : await api.readyWaiters.wait(now.workflowId, now.runId, time, startOf(now));
    now = await api.directory.sameLife(record);
    if (!answered) break;
    now = await api.directory.fresh(now);
  }
  if (isEnding(now) && now.view.readyAt === undefined) throw notReady(api, now, 'endedBeforeReady');
  const isBack = isStopped(now) && !isAsked(now) && wasThere(now);
  if (isBack) throw notReady(api, now, 'startFailed');
  return now;
}

/** True for a VM that was waited for and is not ready yet. */
export function isOnItsWay(record: VmRecord): boolean {
  return isStarting(record) || (!record.closed && isStopped(record));
}

function isStarting(record: VmRecord): boolean {
  const { state, startsAgain } = record.view;
  if (record.closed) return false;
  if (state === 'stopping' || state === 'suspending') return startsAgain === true;
  const isComingBack = state === 'starting' || state === 'resuming';
  return state === 'creating' || state === 'booting' || isComingBack || isBeingReplaced(record);
}

/** Names the start of a VM that was stopped or suspended before; '' for its first one. */
function startOf(record: VmRecord): string {
  const { state, updatedAt } = record.view;
  return state === 'stopping' || state === 'suspending' || wasThere(record) ? updatedAt : '';
}

/** Its machine was stopped or suspended before, perhaps for another create. */
function wasThere({ view: { startedFrom } }: VmRecord): boolean {
  return startedFrom === 'stopped' || startedFrom === 'suspended' || startedFrom === 'drained';
}

function notReady(api: ApiContext, record: VmRecord, code: 'endedBeforeReady' | 'startFailed'): ApiProblem {
  api.projection.see(record);
  const { name, state, reason, detail } = record.view;
  const why = [reason, detail].filter((text) => text !== undefined).join(': ');
  return new ApiProblem(code, `${name} is ${state}${why === '' ? '' : ` (${why})`}`, {
    members: { vm: presented(api, record) },
  });
}
