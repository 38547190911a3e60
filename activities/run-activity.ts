import { Context } from '@temporalio/activity';
import { TIMEOUTS } from '../domain/timeouts.ts';
import { createProgressOf, NO_PROGRESS, type CreateProgress } from '../domain/machine/create-progress.ts';
import type { ActivityContext, ActivityHandover, ActivityProgress } from './activity-context.ts';
import { asActivityFailure } from './error-mapping.ts';
import { serverClock } from './server-clock.ts';

/** What a heartbeat carries besides being one. */
type HeartbeatDetails = string | null | { waiting?: string; resume: string | null; create?: CreateProgress };

/**
 * Makes an activity of a function: it heartbeats while it runs, gets its context, keeps what it notes of its progress
 * for its next attempt, shows what it waits for, and translates its errors.
 */
export function runAsActivity<Input, Output>(
  work: (input: Input, context: ActivityContext) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    const { info, cancellationSignal: signal } = Context.current();
    const { attempt, scheduledTimestampMs, currentAttemptScheduledTimestampMs, workflowExecution } = info;
    serverClock.heard(currentAttemptScheduledTimestampMs);
    const scheduledAt = Date.now() - serverClock.since(scheduledTimestampMs);
    const { progress, handover, confirm, heartbeat } = heartbeatProgress();
    const beat = setInterval(heartbeat, TIMEOUTS.activityHeartbeatIntervalSeconds * 1000);
    try {
      const workflowId = workflowExecution?.workflowId;
      return await work(input, { signal, progress, handover, confirm, attempt, scheduledAt, workflowId });
    } catch (error) {
      throw asActivityFailure(error);
    } finally {
      clearInterval(beat);
    }
  };
}

/** Each heartbeat replaces the details of the one before, so every one carries the last note. */
function heartbeatProgress(): Pick<ActivityContext, 'progress' | 'handover' | 'confirm'> & { heartbeat: () => void } {
  const context = Context.current();
  const resume = resumeOf(context.info.heartbeatDetails as HeartbeatDetails | undefined);
  let token = resume;
  let waiting: string | null = null;
  let create = createProgressOf(context.info.heartbeatDetails);
  const details = (): HeartbeatDetails => {
    if (waiting === null && create === NO_PROGRESS) return token;
    return { ...(waiting === null ? {} : { waiting }), resume: token, create };
  };
  const heartbeat = (): void => context.heartbeat(details());
  // Awaited, so that the server has it, and refused for an attempt that the server has given up.
  const confirm = (): Promise<void> => context.client.activity.heartbeat(context.info.taskToken, details());
  const handover: ActivityHandover = {
    received: create,
    say: async (now) => {
      create = now;
      await confirm();
    },
  };
  const progress: ActivityProgress = {
    resume,
    note: (text) => {
      token = text;
      heartbeat();
    },
    showWaiting: (why) => {
      if (why === waiting) return;
      waiting = why;
      heartbeat();
    },
  };
  return { progress, handover, confirm, heartbeat };
}

function resumeOf(noted: HeartbeatDetails | undefined): string | null {
  if (typeof noted === 'string') return noted;
  return typeof noted?.resume === 'string' ? noted.resume : null;
}
