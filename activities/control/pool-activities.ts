/** What the workflows of pools ask of control workers. */
import { mismatchText, type HostTraits } from '../../domain/capacity/create-lanes.ts';
import type { HostStateName } from '../../domain/host/state.ts';
import type { PoolActivities } from '../../domain/pool/activities.ts';
import { planSchedule } from '../../domain/pool/schedule.ts';
import { isTimeZone, offsetIn } from '../../lib/text/time-zone.ts';
import { runAsActivity } from '../run-activity.ts';

/** A host of the registry. */
export interface ListedPoolHost extends HostTraits {
  state: HostStateName;
  providers: readonly string[];
}

/** `listHosts`: those of the deployment, whatever their state, by id. */
export function createPoolActivities(listHosts: () => Promise<readonly ListedPoolHost[]>): PoolActivities {
  return {
    poolHosts: runAsActivity(async ({ spec }: Parameters<PoolActivities['poolHosts']>[0]) => {
      const hosts = await listHosts();
      return hosts
        .filter(({ state, providers }) => state === 'ready' && providers.includes(spec.provider))
        .filter((host) => mismatchText(spec, host) === undefined)
        .map(({ hostId: host, zone }) => ({ host, zone }));
    }),
    planPoolSchedule: runAsActivity(({ warm, at }: Parameters<PoolActivities['planPoolSchedule']>[0]) =>
      Promise.resolve(planSchedule(knownZones(warm), at, offsetIn)),
    ),
  };
}

/** The API refuses a zone that it does not know; a worker with another Node may know fewer, and reads UTC then. */
function knownZones<Warm extends Parameters<PoolActivities['planPoolSchedule']>[0]['warm']>(warm: Warm): Warm {
  const schedule = warm.schedule?.map(({ timezone, ...entry }) =>
    timezone === undefined || !isTimeZone(timezone) ? entry : { ...entry, timezone },
  );
  return { ...warm, ...(schedule === undefined ? {} : { schedule }) };
}
