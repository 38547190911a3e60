import type { WorkflowHandle } from '@temporalio/client';

/** Machines of creates whose host died in the midst of them: the VM asked anew, and a sweep removes what is left. */
export async function abandonedBy(handle: WorkflowHandle): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  const lost = new Set(
    (events ?? []).flatMap(({ activityTaskFailedEventAttributes, activityTaskTimedOutEventAttributes }) => {
      const over = activityTaskFailedEventAttributes ?? activityTaskTimedOutEventAttributes;
      return over == null ? [] : [Number(over.scheduledEventId)];
    }),
  );
  return (events ?? []).flatMap(({ eventId, activityTaskScheduledEventAttributes: scheduled }) => {
    if (scheduled?.activityType?.name !== 'createMachine' || !lost.has(Number(eventId))) return [];
    const input = scheduled.input?.payloads?.[0]?.data;
    return input == null ? [] : [(JSON.parse(Buffer.from(input).toString()) as { machineId: string }).machineId];
  });
}
