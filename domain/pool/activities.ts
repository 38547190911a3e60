import type { VmSpec } from '../vm/spec.ts';
import type { HostPlace, SchedulePlan, WarmSettings } from './state.ts';

/** What the workflow of a pool asks of control workers. */
export interface PoolActivities {
  /**
   * What the schedule says from `at` (epoch ms) on, for some days. An activity, since the rules of time zones come with Node
   * and differ between its versions.
   */
  planPoolSchedule: (input: {
    warm: Pick<WarmSettings, 'schedule' | 'min' | 'max'>;
    at: number;
  }) => Promise<SchedulePlan>;
  /** Hosts that take creates and may have machines of the spec, by id. */
  poolHosts: (input: { spec: Pick<VmSpec, 'provider' | 'zones' | 'hostSelector'> }) => Promise<HostPlace[]>;
}
