/** Which hosts there are besides this one, for what it may not have itself; the registry alone knows. */
import type { Client } from '@temporalio/client';
import { registeredHosts } from '../../../config/registered-hosts.ts';
import type { HostTraits } from '../../../domain/capacity/create-lanes.ts';
import type { RoomSize } from '../../../domain/capacity/room.ts';
import type { HostStateName } from '../../../domain/host/state.ts';
import { SharedRead } from '../../../lib/waiting/shared-read.ts';

export interface ListedHost extends HostTraits {
  state: HostStateName;
  /** What the whole host gives; null: machines of the provider take no room there. */
  total: RoomSize | null;
}

/**
 * Hosts that have the provider, but for lost ones: who is away or cordoned may take creates again. At most `maxAgeMs` old.
 * Rejects where Temporal does not answer.
 */
export type HostList = (maxAgeMs: number) => Promise<ListedHost[]>;

/** Lists are searches, of which Temporal allows a namespace ten a second: one is shared while it is young enough. */
export function hostsOfRegistry(client: Client, provider: string, controlTaskQueue: string): HostList {
  const listed = new SharedRead(async (): Promise<ListedHost[]> => {
    const hosts = await registeredHosts(client, controlTaskQueue);
    return hosts
      .filter(({ state, providers }) => state !== 'lost' && providers.includes(provider))
      .map(({ hostId, state, zone, labels, capacity, roomless = [] }) => ({
        ...{ hostId, state, zone, labels },
        total: roomless.includes(provider) ? null : capacity,
      }));
  });
  return (maxAgeMs) => listed.get(maxAgeMs);
}
