/** The limits of a pool by its schedule: those of the entry that fired last, until another one does. */
import { lastFiring, nextFiring, parseCron, type Cron, type OffsetAt } from './cron.ts';
import type { LimitChange, Limits, Pool, SchedulePlan, WarmSettings } from './state.ts';

/** Entries that a schedule has at most. */
export const MAX_SCHEDULE_ENTRIES = 20;
const DEFAULT_ZONE = 'UTC';
/** So far ahead a plan looks, and at so many firings at most. */
const HORIZON_MS = 7 * 24 * 3_600_000;
const MOST_FIRINGS = 200;

/**
 * What a schedule says from now on. An entry that never fires, or that nobody can read, counts for nothing.
 * `offsetIn` throws for a time zone that it does not know.
 */
export function planSchedule(
  { schedule = [], min, max }: Pick<WarmSettings, 'schedule' | 'min' | 'max'>,
  from: number,
  offsetIn: (zone: string) => OffsetAt,
): SchedulePlan {
  const entries = schedule.flatMap((entry) => {
    const cron = parseCron(entry.cron);
    const limits = { min: entry.min, max: entry.max ?? max };
    return cron === undefined ? [] : [{ cron, limits, offsetAt: offsetIn(entry.timezone ?? DEFAULT_ZONE) }];
  });
  const changes: LimitChange[] = [{ at: from, ...(latest(entries, from)?.limits ?? { min, max }) }];
  const due = entries.map((entry) => ({ ...entry, next: nextFiring(entry.cron, from, entry.offsetAt) }));
  let until = from + HORIZON_MS;
  for (let firings = 0; ; firings += 1) {
    const at = Math.min(...due.map(({ next }) => next ?? Infinity));
    if (at > from + HORIZON_MS) break;
    if (firings === MOST_FIRINGS) {
      until = at;
      break;
    }
    for (const entry of due.filter(({ next }) => next === at)) {
      // The same limits again are no change; of entries that fire together the last one counts.
      if (changes.at(-1)?.at === at) changes.pop();
      const before = changes.at(-1);
      if (before?.min !== entry.limits.min || before.max !== entry.limits.max) changes.push({ at, ...entry.limits });
      entry.next = nextFiring(entry.cron, at, entry.offsetAt);
    }
  }
  return { changes, until };
}

type Entry = { cron: Cron; limits: Limits; offsetAt: OffsetAt };

/** Of entries that fired together the last one counts. */
function latest(entries: readonly Entry[], at: number): Entry | undefined {
  let found: { entry: Entry; fired: number } | undefined;
  for (const entry of entries) {
    const fired = lastFiring(entry.cron, at, entry.offsetAt);
    if (fired !== null && fired >= (found?.fired ?? -Infinity)) found = { entry, fired };
  }
  return found?.entry;
}

function hasSchedule({ template }: Pool): boolean {
  const warm = template?.warm ?? null;
  return warm !== null && warm.paused !== true && (warm.schedule ?? []).length > 0;
}

/** Whether somebody who knows time zones has to be asked what the schedule says from now on. */
export function wantsPlan(pool: Pool, at: number): boolean {
  return hasSchedule(pool) && (pool.plan === undefined || at >= pool.plan.until);
}

/** Between how many and how many machines shall wait; null while nobody knows what the schedule says. */
export function limitsAt(pool: Pool, at: number): Limits | null {
  const warm = pool.template?.warm ?? null;
  if (warm === null) return { min: 0, max: 0 };
  if (!hasSchedule(pool)) return { min: warm.min, max: warm.max };
  if (pool.plan === undefined) return null;
  const { changes } = pool.plan;
  return changes.findLast((change) => change.at <= at) ?? changes[0] ?? null;
}

/** When the schedule changes the limits next; undefined where it does not, or nobody knows. */
export function nextChange(pool: Pool, at: number): LimitChange | undefined {
  return hasSchedule(pool) ? pool.plan?.changes.find((change) => change.at > at) : undefined;
}
