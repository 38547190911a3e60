import { Context } from '@temporalio/activity';
import type { CallProgress } from '../domain/machine-provider.ts';
import { TIMEOUTS } from '../domain/timeouts.ts';
import { asActivityFailure } from './error-mapping.ts';

/** What is known of the activity that runs. */
export interface ActivityTry {
  /** Since when it is asked for, epoch ms; the same for every try. */
  askedAt: number;
  /** The first one is 1. */
  attempt: number;
  /** Of the workflow that it runs for, as Temporal says; undefined without one. */
  workflowId: string | undefined;
  /** Shown to people as the details of its heartbeat; null: it waits for nothing. */
  sayWaiting: (why: string | null) => void;
}

/** What a heartbeat carries besides being one. */
type HeartbeatDetails = string | null | { waiting: string; resume: string | null };

/**
 * Makes an activity of a function: it heartbeats while it runs, hands over the signal that aborts when the
 * workflow cancels, keeps what it notes of its progress for its next try, shows what it waits for, and translates
 * its errors.
 */
export function runAsActivity<Input, Output>(
  work: (input: Input, signal: AbortSignal, progress: CallProgress, current: ActivityTry) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    const context = Context.current();
    const resume = resumeOf(context.info.heartbeatDetails as HeartbeatDetails | undefined);
    // Each heartbeat replaces the details of the one before, so every one carries the last note.
    let token = resume;
    let waiting: string | null = null;
    const heartbeat = (): void => context.heartbeat(waiting === null ? token : { waiting, resume: token });
    const note = (text: string): void => {
      token = text;
      heartbeat();
    };
    const sayWaiting = (why: string | null): void => {
      if (why === waiting) return;
      waiting = why;
      heartbeat();
    };
    const beat = setInterval(heartbeat, TIMEOUTS.activityHeartbeatIntervalSeconds * 1000);
    try {
      const { scheduledTimestampMs: askedAt, attempt, workflowExecution } = context.info;
      const current = { askedAt, attempt, workflowId: workflowExecution?.workflowId, sayWaiting };
      return await work(input, context.cancellationSignal, { resume, note }, current);
    } catch (error) {
      throw asActivityFailure(error);
    } finally {
      clearInterval(beat);
    }
  };
}

function resumeOf(noted: HeartbeatDetails | undefined): string | null {
  if (typeof noted === 'string') return noted;
  return typeof noted?.resume === 'string' ? noted.resume : null;
}
