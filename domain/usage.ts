import type { UsageReport } from './activities.ts';
import type { Usage } from './vm-state.ts';

/** What is known after an agent's report. */
export function recordReport(before: Usage | null, report: UsageReport, at: number): Usage {
  return {
    source: 'agent',
    connections: report.connections,
    sequence: Math.max(report.sequence, before?.sequence ?? 0),
    reportedAt: at,
    emptySince: emptySince(before, report.connections, at),
    everUsed: (before?.everUsed ?? false) || report.connections > 0,
  };
}

/** What is known after a person or program typed a count: it counts as use, so the idle timer starts at 0. */
export function recordTypedCount(before: Usage | null, connections: number, at: number): Usage {
  return {
    source: before?.source ?? 'signal',
    connections,
    sequence: before?.sequence ?? 0,
    reportedAt: before?.source === 'agent' ? before.reportedAt : at,
    emptySince: emptySince(before, connections, at),
    everUsed: true,
  };
}

function emptySince(before: Usage | null, connections: number, at: number): number | null {
  if (connections > 0) return null;
  return before?.emptySince ?? at;
}
