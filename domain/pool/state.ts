/** A pool: the warm machines of one template, and what it answered. JSON only; times are epoch ms. */
import type { PlacementKind } from '../machine/placement-kind.ts';
import type { VmSpec } from '../vm/spec.ts';
import type { Grant } from './claims.ts';

export interface ScheduleEntry {
  /** Five fields; from then on these limits count. */
  cron: string;
  /** IANA name of the time zone that the fields are read in; UTC unless it is said. */
  timezone?: string | undefined;
  min: number;
  /** That of the pool unless it is said. */
  max?: number | undefined;
}

export interface Limits {
  min: number;
  max: number;
}

/** Limits from a time on, epoch ms. */
export type LimitChange = Limits & { at: number };

export interface SchedulePlan {
  /** At least one, in the order of their times; the first one counts from the start. */
  changes: LimitChange[];
  /** Until then it is known what comes, epoch ms. */
  until: number;
}

export interface WarmSettings {
  /** So many machines wait, whatever the demand. */
  min: number;
  /** Never more machines than this, those that are being made included. */
  max: number;
  /** A machine that nobody claims for so long is replaced. */
  ttlSeconds: number;
  /** No machine is made, and none waits. */
  paused?: boolean;
  /** Other limits from certain times on. */
  schedule?: ScheduleEntry[] | undefined;
}

/** What a template configures its pool with, at every change of it. */
export interface PoolTemplate {
  name: string;
  /** The one that serves: it goes back where a later one is held back. */
  version: number;
  /** Grows with every message; an older one that arrives late changes nothing. Absent: the last to arrive counts. */
  revision?: number;
  /** The whole spec after defaults; machines are made from `warmSpecOf` it. */
  spec: VmSpec;
  /** What may be done with a VM that its user left; the pool itself hands out warm machines only. */
  reuse: 'none' | 'empty' | 'shared';
  /** Null: the template has no pool any more. */
  warm: WarmSettings | null;
  /** The template wants to hear of the first machine of this version that waits; absent: it does not. */
  rollIdle?: true;
  /** The API's, for the workflow id of the pool and `warmSpecOf(spec)`. */
  signature: string;
  placement?: PlacementKind;
}

export interface PoolMachine {
  machineId: string;
  /** Of the template that it was made from. */
  version: number;
  /** `leaving`: it was granted or retired, and its workflow has not said yet that it is over. */
  state: 'starting' | 'ready' | 'leaving';
  /** By then its workflow has reported something, or the machine is retired. */
  overdueAt: number;
  /** The host that has it, or that was asked first for it; absent where none was, or it is at no host of ours. */
  place?: HostPlace;
  /** Its host takes no creates any more: another one is made for it, then it goes. */
  evicted?: true;
}

/** A host, and where that is. */
export interface HostPlace {
  host: string;
  zone: string | null;
}

/** A minute of claims, in parts. */
export interface ClaimCount {
  at: number;
  claims: number;
}

export interface Pool {
  project: string;
  name: string;
  /** Null before it was configured. */
  template: PoolTemplate | null;
  /** In the order in which they were made. */
  machines: PoolMachine[];
  grants: Grant[];
  recent: ClaimCount[];
  /** Since the pool began. */
  counters: { claimed: number; missed: number; failed: number };
  /** Machines that failed since the last one that got ready, and when the next may be made. */
  failures: { inRow: number; detail: string | null; retryAt: number };
  /** What the schedule of the template says; absent where it has none, or nobody has said yet. */
  plan?: SchedulePlan;
  /** The template was told last of the first machine of this version; absent: of none. */
  firstWarmTold?: number;
}

export const NO_FAILURES: Pool['failures'] = { inRow: 0, detail: null, retryAt: 0 };

export function newPool(project: string, name: string): Pool {
  return {
    ...{ project, name, template: null, machines: [], grants: [], recent: [] },
    counters: { claimed: 0, missed: 0, failed: 0 },
    failures: NO_FAILURES,
  };
}
