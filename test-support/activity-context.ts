import type { ActivityContext } from '../activities/activity-context.ts';
import { NO_PROGRESS } from '../domain/machine/create-progress.ts';

/** The context of an activity that is called by hand: its first attempt, which nobody cancels. */
export function activityContext(given: Partial<ActivityContext> = {}): ActivityContext {
  return {
    signal: new AbortController().signal,
    progress: { resume: null, note: () => undefined, showWaiting: () => undefined },
    handover: { received: NO_PROGRESS, say: () => Promise.resolve() },
    confirm: () => Promise.resolve(),
    attempt: 1,
    scheduledAt: Date.now(),
    workflowId: undefined,
    ...given,
  };
}
