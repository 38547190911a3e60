/** How a workflow that never ends goes on in a fresh history. */
import { makeContinueAsNewFunc, workflowInfo, type Workflow } from '@temporalio/workflow';

export function isHistoryFull(limitEvents: number): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return continueAsNewSuggested || historyLength >= limitEvents;
}

/**
 * A new run starts with the memo that the very first one was started with unless it is handed on, and shows it until a
 * worker comes: to everybody who reads it, what has happened since would not have.
 */
export async function continueInFreshHistory<Flow extends Workflow>(...args: Parameters<Flow>): Promise<never> {
  const { memo = {} } = workflowInfo();
  return makeContinueAsNewFunc<Flow>({ memo })(...args);
}
