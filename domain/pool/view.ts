import { isoTime } from '../iso-time.ts';
import { desired, planOf } from './next.ts';
import { limitsAt, nextChange } from './schedule.ts';
import type { Pool } from './state.ts';

/** What leaves a pool: JSON only. */
export interface PoolView {
  project: string;
  template: string;
  /** Of the template; null before the pool was configured. */
  version: number | null;
  /** By the schedule, where there is one. */
  min: number;
  max: number;
  paused: boolean;
  /** When the schedule changes the limits next, and to which; absent where it does not. */
  nextLimits?: { at: string; min: number; max: number };
  /** So many shall wait. */
  desired: number;
  ready: number;
  /** Machines that are being made. */
  inFlight: number;
  /** Since the pool began. */
  claimed: number;
  missed: number;
  failed: number;
  /** What the pool waits for, in a sentence; null: for claims. */
  waitsFor: string | null;
}

export function poolView(pool: Pool, at: number): PoolView {
  const { project, name, template, machines, counters } = pool;
  const warm = template?.warm ?? null;
  const { min, max } = limitsAt(pool, at) ?? { min: 0, max: warm?.max ?? 0 };
  const next = nextChange(pool, at);
  const of = (state: string): number => machines.filter((one) => one.state === state).length;
  return {
    project,
    template: name,
    version: template?.version ?? null,
    ...{ min, max, paused: warm?.paused ?? false },
    ...(next === undefined ? {} : { nextLimits: { at: isoTime(next.at), min: next.min, max: next.max } }),
    ...{ desired: desired(pool, at), ready: of('ready'), inFlight: of('starting'), ...counters },
    waitsFor: waitsFor(pool, at),
  };
}

function waitsFor(pool: Pool, at: number): string | null {
  const { failures, template, machines } = pool;
  if (template === null) return 'its template';
  if (template.warm === null) return 'a template that asks for warm machines';
  if (template.warm.paused === true) return 'the end of its pause';
  if (limitsAt(pool, at) === null) return 'a worker that reads its schedule';
  if (failures.inRow > 0 && at < failures.retryAt) {
    return `its next try at ${isoTime(failures.retryAt)}: ${failures.inRow} machines failed in a row (${failures.detail ?? ''})`;
  }
  const isMissing = machines.filter(({ state }) => state === 'ready').length < desired(pool, at);
  if (!isMissing) return null;
  return planOf(pool, at).start === 0 && !machines.some(({ state }) => state === 'starting')
    ? 'room: earlier machines have to go first'
    : 'machines that start';
}
