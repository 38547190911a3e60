import type { Machine, MachineFacts } from '../../domain/machine/provider.ts';

/** What a workflow gets to know of a machine. `zoneOfHost` counts where the provider knows none. */
export function machineFactsOf(
  { machineId, provider, host, zone, address, instanceId }: Machine,
  queue: string | undefined,
  zoneOfHost: string | null = null,
): MachineFacts {
  return {
    ...{ machineId, provider, host, zone: zone ?? zoneOfHost, address },
    ...(queue === undefined ? {} : { queue }),
    ...(instanceId === undefined ? {} : { instanceId }),
  };
}
