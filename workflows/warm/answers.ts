/** What a warm machine's workflow tells VMs and its pool. */
import { condition, getExternalWorkflowHandle } from '@temporalio/workflow';
import { isWarmOver, type WarmReply } from '../../domain/pool/handover.ts';
import { adoptAnswerSignal, warmEvictedSignal, warmOverSignal, warmReadySignal } from '../messages.ts';
import type { WarmLife } from './life.ts';

/** Answers VMs one after the other, until the machine's workflow has nothing more to do. */
export async function answerAskers(life: WarmLife): Promise<void> {
  for (;;) {
    await condition(() => life.hasReplies || isWarmOver(life.warm));
    const reply = life.nextReply();
    if (reply === undefined) return;
    await answer(life, reply);
  }
}

/** To the very run that asked: a later life of its name did not. */
async function answer(life: WarmLife, { to, machine }: WarmReply): Promise<void> {
  const asker = getExternalWorkflowHandle(to.workflowId, to.runId);
  const isHeard = await asker.signal(adoptAnswerSignal, { machineId: life.machineId, machine }).then(
    () => true,
    () => false,
  );
  if (!isHeard) life.record({ kind: 'askerClosed', by: to });
}

/** Tells the pool that the machine waits. A pool that is not there any more needs to know nothing. */
export async function tellReady({ input, machineId, warm }: WarmLife): Promise<void> {
  const { host = null, zone = null } = ('machine' in warm ? warm.machine : null) ?? {};
  await getExternalWorkflowHandle(input.pool)
    .signal(warmReadySignal, { machineId, ...(host === null ? {} : { host, zone }) })
    .catch(() => undefined);
}

/** Tells the pool to replace the machine, which waits until then. */
export async function tellEvicted({ input, machineId }: WarmLife): Promise<void> {
  await getExternalWorkflowHandle(input.pool)
    .signal(warmEvictedSignal, { machineId })
    .catch(() => undefined);
}

/** Tells the pool that it has this machine no more, and why it never got ready. */
export async function tellOver({ input, machineId, failure: failed }: WarmLife): Promise<void> {
  await getExternalWorkflowHandle(input.pool)
    .signal(warmOverSignal, { machineId, failed })
    .catch(() => undefined);
}
