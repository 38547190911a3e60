import type { ReportedUsage } from '../counting/app-usage.ts';

const CALM_MS = 1000;
const SHORTEST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 10_000;
const SHORTEST_REFUSED_MS = 1000;
const LONGEST_REFUSED_MS = 60_000;

/** Times are milliseconds of one clock. */
export interface ReportTimes {
  /** What the API surely took last; null before the first report and after a failed one. */
  taken: ReportedUsage | null;
  current: ReportedUsage;
  /** When the count last changed. */
  changedAt: number;
  /** When the API wants to hear from the agent at the latest. */
  aliveAt: number;
}

/** When the next HTTP report is due: at once on an edge, other changes after a second of calm, else `aliveAt`. */
export function reportDueAt({ taken, current, changedAt, aliveAt }: ReportTimes): number {
  if (taken === null || taken.ready !== current.ready) return -Infinity;
  if (taken.assigned?.state !== current.assigned?.state) return -Infinity;
  if (taken.connections > 0 !== current.connections > 0) return -Infinity;
  if (taken.connections === current.connections) return aliveAt;
  return Math.min(aliveAt, changedAt + CALM_MS);
}

/**
 * How long an agent waits that was refused `refusals` times in a row (1 or more). Its VM has probably ended, which costs
 * the API a request or two a minute; but an agent that gave up would cost a VM that has not.
 */
export function refusedBackoffMs(refusals: number, fraction: number): number {
  const longest = Math.min(LONGEST_REFUSED_MS, SHORTEST_REFUSED_MS * 2 ** (refusals - 1));
  return (longest / 2) * (1 + fraction);
}

/** How long to wait after `failures` failures in a row (1 or more); `fraction` (0 to 1) spreads the agents. */
export function backoffMs(failures: number, fraction: number): number {
  const longest = Math.min(LONGEST_BACKOFF_MS, SHORTEST_BACKOFF_MS * 2 ** failures);
  return SHORTEST_BACKOFF_MS + fraction * (longest - SHORTEST_BACKOFF_MS);
}
