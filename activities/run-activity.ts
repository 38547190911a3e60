import { Context } from '@temporalio/activity';
import type { CallProgress } from '../domain/machine-provider.ts';
import { TIMEOUTS } from '../domain/timeouts.ts';
import { asActivityFailure } from './error-mapping.ts';

/**
 * Makes an activity of a function: it heartbeats while it runs, hands over the signal that aborts when the
 * workflow cancels, keeps what it notes of its progress for its next try, tells since when it is asked for (epoch
 * ms, the same for every try), and translates its errors.
 */
export function runAsActivity<Input, Output>(
  work: (input: Input, signal: AbortSignal, progress: CallProgress, askedAt: number) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    const context = Context.current();
    const noted = context.info.heartbeatDetails as unknown;
    const resume = typeof noted === 'string' ? noted : null;
    // Each heartbeat replaces the details of the one before, so every one carries the last note.
    let token = resume;
    const heartbeat = (): void => context.heartbeat(token);
    const note = (text: string): void => {
      token = text;
      heartbeat();
    };
    const beat = setInterval(heartbeat, TIMEOUTS.activityHeartbeatIntervalSeconds * 1000);
    try {
      return await work(input, context.cancellationSignal, { resume, note }, context.info.scheduledTimestampMs);
    } catch (error) {
      throw asActivityFailure(error);
    } finally {
      clearInterval(beat);
    }
  };
}
