import { Context } from '@temporalio/activity';
import { TIMEOUTS } from '../domain/timeouts.ts';
import { asActivityFailure } from './error-mapping.ts';

/**
 * Makes an activity of a function: it heartbeats while it runs, hands over the signal that aborts when the
 * workflow cancels, and translates its errors.
 */
export function runAsActivity<Input, Output>(
  work: (input: Input, signal: AbortSignal) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    const context = Context.current();
    const beat = setInterval(() => context.heartbeat(), TIMEOUTS.activityHeartbeatIntervalSeconds * 1000);
    try {
      return await work(input, context.cancellationSignal);
    } catch (error) {
      throw asActivityFailure(error);
    } finally {
      clearInterval(beat);
    }
  };
}
