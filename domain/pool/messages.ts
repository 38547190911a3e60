/** Messages to a pool come from anyone with a CLI, and are checked before they count. */
import { fieldsOf, isWhole } from '../untrusted.ts';
import { MAX_SCHEDULE_ENTRIES } from './schedule.ts';
import type { PoolTemplate, WarmSettings } from './state.ts';

/** More machines than this a pool never has. */
export const MAX_WARM = 1000;
export const MAX_WARM_TTL_SECONDS = 30 * 24 * 3600;

export function isPoolTemplate(value: unknown): value is PoolTemplate {
  const { name, version, revision, spec, reuse, warm, rollIdle, signature } = fieldsOf(value);
  if (typeof name !== 'string' || typeof signature !== 'string' || !isWhole(version, 0, Number.MAX_SAFE_INTEGER)) {
    return false;
  }
  if (revision !== undefined && !isWhole(revision, 0, Number.MAX_SAFE_INTEGER)) return false;
  if (reuse !== 'none' && reuse !== 'empty' && reuse !== 'shared') return false;
  if (rollIdle !== undefined && rollIdle !== true) return false;
  const { provider, readiness, idle } = fieldsOf(spec);
  const isSpec = typeof provider === 'string' && typeof readiness === 'object' && typeof idle === 'object';
  return isSpec && (warm === null || isWarmSettings(warm));
}

/** Whether a value can be the settings of a pool; a memo of another version of Ephemera is looked at too. */
export function isWarmSettings(value: unknown): value is WarmSettings {
  const { min, max, ttlSeconds, paused, schedule } = fieldsOf(value);
  const isPause = paused === undefined || typeof paused === 'boolean';
  if (!isWhole(min, 0, MAX_WARM) || !isWhole(max, min, MAX_WARM)) return false;
  return isWhole(ttlSeconds, 1, MAX_WARM_TTL_SECONDS) && isPause && (schedule === undefined || isSchedule(schedule));
}

function isSchedule(value: unknown): boolean {
  if (!Array.isArray(value) || value.length > MAX_SCHEDULE_ENTRIES) return false;
  return value.every((entry: unknown) => {
    const { cron, timezone, min, max = MAX_WARM } = fieldsOf(entry);
    const isZone = timezone === undefined || typeof timezone === 'string';
    return typeof cron === 'string' && isZone && isWhole(min, 0, MAX_WARM) && isWhole(max, min, MAX_WARM);
  });
}
