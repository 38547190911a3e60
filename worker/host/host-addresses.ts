/** Whether the addresses that a host was told to give to its machines are its own. */
import type { Client } from '@temporalio/client';
import { registeredHosts } from '../../config/registered-hosts.ts';
import type { Settings } from '../../config/settings.ts';
import { addressRanges, addressesInOrder, overlapping } from '../../domain/network/address-range.ts';
import { bindOnce } from '../../providers/host/host-addresses.ts';
import { HostConflictError } from './host-claim.ts';

/** Of a larger range these many are tried. */
const MOST_TRIED = 1024;

/**
 * Rejects with a {@link HostConflictError} where an address is not on this computer, or another host that is not lost has it as
 * far as the registry knows.
 */
export async function refuseForeignAddresses(settings: Settings, client: Client): Promise<void> {
  const { host, hostId, temporal } = settings;
  const { addresses } = host;
  if (addresses.length === 0) return;
  for (const text of addresses) {
    const all = [...addressesInOrder(addressRanges([text]), '')];
    const step = Math.ceil(all.length / MOST_TRIED);
    for (const ip of all.filter((_, index) => index % step === 0)) {
      if ((await bindOnce(ip, 0)) !== 'elsewhere') continue;
      throw new HostConflictError(
        `EPHEMERA_HOST_ADDRESSES: ${ip} of ${text} is not on this computer: route the range here and make it local, as by ` +
          `\`ip route add local ${text} dev lo\`, or name another one`,
      );
    }
  }
  for (const other of await registeredHosts(client, temporal.controlTaskQueue)) {
    if (other.hostId === hostId || other.state === 'lost') continue;
    const both = overlapping(addresses, other.addresses ?? []);
    if (both === undefined) continue;
    throw new HostConflictError(
      `EPHEMERA_HOST_ADDRESSES: ${both[0]} overlaps ${both[1]}, which the host ${other.hostId} gives to its machines: each host ` +
        'needs addresses of its own; where that host is gone for good, remove it (DELETE /v1/hosts/{id})',
    );
  }
}
