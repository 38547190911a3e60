import type { WorkflowHandle } from '@temporalio/client';

/** Events of a run by the name of their attributes. */
export type EventTypes = Record<string, number>;

/** What Temporal Cloud counts as an action; a signal counts where it is received. */
const ACTIONS = [
  'workflowExecutionStartedEventAttributes',
  'workflowExecutionSignaledEventAttributes',
  'workflowExecutionUpdateAcceptedEventAttributes',
  'activityTaskScheduledEventAttributes',
  'timerStartedEventAttributes',
  'markerRecordedEventAttributes',
  'upsertWorkflowSearchAttributesEventAttributes',
  'workflowPropertiesModifiedEventAttributes',
];

export async function eventTypes(handle: Pick<WorkflowHandle, 'fetchHistory'>): Promise<EventTypes> {
  const { events = [] } = await handle.fetchHistory();
  const counts: EventTypes = {};
  for (const event of events ?? []) {
    const type = Object.keys(event).find((key) => key.endsWith('EventAttributes')) ?? 'unknown';
    counts[type] = (counts[type] ?? 0) + 1;
  }
  return counts;
}

/** How many of the events are actions, tries of activities after the first and heartbeats not counted. */
export function actionsIn(types: EventTypes): number {
  return ACTIONS.reduce((sum, type) => sum + (types[type] ?? 0), 0);
}
