import type { UsageReport } from '../machine/activities.ts';
import type { Usage } from '../vm/state.ts';

/** True when the agent said something newer before: late reports change nothing. */
export function isOutdated(before: Usage | null, report: UsageReport): boolean {
  return before?.source === 'agent' && report.sequence < before.sequence;
}

/** What is known after an agent's report. */
export function recordReport(before: Usage | null, report: UsageReport, at: number): Usage {
  if (before !== null && isOutdated(before, report)) return before;
  return {
    source: 'agent',
    connections: report.connections,
    sequence: report.sequence,
    reportedAt: at,
    emptySince: emptySince(before, report.connections, at),
    everUsed: (before?.everUsed ?? false) || report.connections > 0,
  };
}

/**
 * What is known after a person or program typed a count. It counts as use: a first 0 says that all who were there
 * have left just now, which starts the idle timer.
 */
export function recordTypedCount(before: Usage | null, connections: number, at: number): Usage {
  return {
    source: before?.source ?? 'signal',
    connections,
    sequence: before?.sequence ?? 0,
    reportedAt: before?.source === 'agent' ? before.reportedAt : at,
    emptySince: before?.everUsed === false ? emptySince(null, connections, at) : emptySince(before, connections, at),
    everUsed: true,
  };
}

function emptySince(before: Usage | null, connections: number, at: number): number | null {
  if (connections > 0) return null;
  return before?.emptySince ?? at;
}
