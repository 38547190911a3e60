/** Stands in for a VM in tests of the agent links: it records the signals that it gets. */
import { condition, defineQuery, defineSignal, setHandler, upsertMemo } from '@temporalio/workflow';
import { machineLostSignal, reportSignal, type ReportSignal } from '../../workflows/messages.ts';

export const recordedQuery = defineQuery<Recorded>('recorded');
export const finishSignal = defineSignal('finish');
export const publishSignal = defineSignal<[Record<string, unknown>]>('publish');

export interface Recorded {
  reports: ReportSignal[];
  lost: string[];
}

export async function recorder(): Promise<void> {
  const recorded: Recorded = { reports: [], lost: [] };
  let finished = false;
  setHandler(recordedQuery, () => recorded);
  setHandler(reportSignal, (report) => void recorded.reports.push(report));
  setHandler(machineLostSignal, ({ machineId }) => void recorded.lost.push(machineId));
  setHandler(publishSignal, (memo) => upsertMemo(memo));
  setHandler(finishSignal, () => {
    finished = true;
  });
  await condition(() => finished);
}
