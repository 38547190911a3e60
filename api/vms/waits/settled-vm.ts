/** What becomes of the present life of a name, for who wants the next one. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiContext } from '../../api-context.ts';
import { ApiProblem } from '../../http/errors/problem.ts';
import { secondsLeft, type CallersTime } from './shared-waits.ts';
import type { DescribedVm, SettledVm } from '../seen/vm-directory.ts';
import type { VmRecord } from '../seen/vm-record.ts';
import { presented } from '../seen/vm-reply.ts';

const RETRY_AFTER_SECONDS = 5;
const LOOK_AGAIN_MS = 500;

/**
 * A worker that died with a task of the VM hides what was sent since, until Temporal takes the task back: 10 s at most.
 * @throws ApiProblem `temporalUnavailable` when the caller has less time.
 */
export async function settledInTime(
  api: ApiContext,
  first: DescribedVm,
  time: CallersTime,
): Promise<DescribedVm & SettledVm> {
  for (let found = first; ;) {
    const settled = await api.directory.settled(found);
    if (found.record.closed || settled.ending !== 'unknown') return { ...found, ...settled };
    const { project, name } = found.record.view;
    if (secondsLeft(time) === 0) {
      throw new ApiProblem('temporalUnavailable', `Nobody could say yet whether ${name} lives on`, {
        headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
      });
    }
    await sleep(LOOK_AGAIN_MS, undefined, { signal: time.gone }).catch(() => undefined);
    found = (await api.directory.describe(project, name)) ?? found;
  }
}

/** @throws ApiProblem `vmEnding` when the life that ends takes longer than the caller has time. */
export async function untilNameIsFree(api: ApiContext, ending: VmRecord, time: CallersTime): Promise<void> {
  if (await api.endWaiters.wait(ending, time)) return;
  const latest = await api.directory.sameLife(ending);
  if (latest.closed) return;
  const { name, uid } = latest.view;
  throw new ApiProblem('vmEnding', `The machine of ${name} (uid ${uid}) is not confirmed gone yet`, {
    headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
    members: { vm: presented(api, latest) },
  });
}
