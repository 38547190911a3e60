import { Worker } from '@temporalio/worker';
import { hasBegun, ownIdOf, type NamedHistory } from './histories.ts';

/** A workflow whose history the code does not lead to: it would stand still. */
export interface BrokenWorkflow {
  workflowId: string;
  runId: string;
  /** Where history and code part; null where Temporal does not say. */
  event: { id: number; type: string } | null;
  reason: string;
}

/** What a replay of many histories found. */
export interface ReplayReport {
  /** Replayed to their end. */
  checked: number;
  /** Nothing was decided in them yet, so nothing can contradict. */
  notBegun: number;
  broken: BrokenWorkflow[];
}

/** Replays histories one by one on workflow code and tells which of them it would break. */
export async function replayAll(
  workflowBundle: { code: string },
  histories: AsyncIterable<NamedHistory>,
  onProgress: (checked: number) => void,
): Promise<ReplayReport> {
  const report: ReplayReport = { checked: 0, notBegun: 0, broken: [] };
  // One is replayed at a time, under its own id: code may go by that, whatever the history is called here.
  let called = '';
  const begun = async function* (): AsyncGenerator<NamedHistory> {
    for await (const named of histories) {
      if (hasBegun(named.history)) {
        called = named.workflowId;
        yield { ...named, workflowId: ownIdOf(named.history) ?? called };
      } else report.notBegun += 1;
    }
  };
  for await (const { runId, error } of Worker.runReplayHistories({ workflowBundle }, begun())) {
    report.checked += 1;
    if (error !== undefined) report.broken.push({ workflowId: called, runId, ...explained(error.message) });
    onProgress(report.checked);
  }
  return report;
}

/** The event and the heart of a message that is wrapped several times. */
function explained(message: string): Pick<BrokenWorkflow, 'event' | 'reason'> {
  const event = /HistoryEvent\(id: (\d+), (\w+)\)/.exec(message);
  const inner = /message: "((?:[^"\\]|\\.)+)"/.exec(message);
  return {
    event: event === null ? null : { id: Number(event[1]), type: event[2] ?? '' },
    reason: inner?.[1] ?? message.replace(/^.*?Details: /s, '').trim(),
  };
}
