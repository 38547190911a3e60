import type { UsageReport } from '../machine/activities.ts';
import { fieldsOf, isWhole } from '../untrusted.ts';
import type { CountLease, LeasedCount, Usage } from '../vm/state.ts';

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
  const leases = leasesAt(before, at);
  if (leases.length > 0) return countedOutside(before, { typed: connections, leases }, at);
  return {
    source: before?.source ?? 'signal',
    connections,
    sequence: before?.sequence ?? 0,
    reportedAt: before?.source === 'agent' ? before.reportedAt : at,
    emptySince: before?.everUsed === false ? emptySince(null, connections, at) : emptySince(before, connections, at),
    everUsed: true,
  };
}

/** Programs that count for one VM; more than that are no gateways. */
const MAX_LEASES = 20;
/** A program that says nothing for longer is gone. */
export const MAX_LEASE_SECONDS = 3600;
const LEASE_HOLDER = /^[A-Za-z0-9-]{1,64}$/;

/** The lease in the argument of a signal, which anyone with a CLI may send; undefined where it is none. */
export function countLeaseOf(value: unknown): CountLease | undefined {
  const { by, seconds } = fieldsOf(value);
  if (typeof by !== 'string' || !LEASE_HOLDER.test(by) || !isWhole(seconds, 1, MAX_LEASE_SECONDS)) return undefined;
  return { by, seconds };
}

/**
 * What is known after a program gave a count that holds for a limited time only. Each program's own count stands beside those of
 * the others, so that one that sees nobody ends nothing that another one serves. Where an agent counts it changes nothing.
 */
export function recordLeasedCount(
  before: Usage | null,
  { connections, lease }: { connections: number; lease: CountLease },
  at: number,
): Usage | null {
  if (before?.source === 'agent') return before;
  const others = leasesAt(before, at).filter(([by]) => by !== lease.by);
  if (others.length >= MAX_LEASES) return before;
  const own: [string, LeasedCount][] =
    connections > 0 ? [[lease.by, { connections, until: at + lease.seconds * 1000 }]] : [];
  return countedOutside(before, { typed: typedCount(before), leases: [...others, ...own] }, at);
}

/** How many are connected as far as anybody knows: a count on a lease that is over is nobody's. */
export function connectionsAt(usage: Usage, at: number): number {
  if (usage.leases === undefined) return usage.connections;
  return leasesAt(usage, at).reduce((sum, [, one]) => sum + one.connections, usage.typed ?? 0);
}

function leasesAt(before: Usage | null, at: number): [string, LeasedCount][] {
  return Object.entries(before?.leases ?? {}).filter(([, { until }]) => until > at);
}

/** What holds until the next count. */
function typedCount(before: Usage | null): number {
  if (before === null) return 0;
  return before.leases === undefined ? before.connections : (before.typed ?? 0);
}

function countedOutside(
  before: Usage | null,
  { typed, leases }: { typed: number; leases: [string, LeasedCount][] },
  at: number,
): Usage {
  const connections = leases.reduce((sum, [, one]) => sum + one.connections, typed);
  const isLeased = leases.length > 0;
  const isOnLeaseAlone = isLeased && typed === 0;
  return {
    source: 'signal',
    connections,
    sequence: 0,
    reportedAt: at,
    emptySince: isOnLeaseAlone
      ? Math.max(...leases.map(([, { until }]) => until))
      : emptySince(before, connections, at),
    everUsed: true,
    ...(isLeased ? { leases: Object.fromEntries(leases) } : {}),
    ...(isLeased && typed > 0 ? { typed } : {}),
  };
}

/** A count on lease may be over sooner than its time, so the time that it would have ended is none since when nobody is there. */
function emptySince(before: Usage | null, connections: number, at: number): number | null {
  if (connections > 0) return null;
  return Math.min(before?.emptySince ?? at, at);
}
