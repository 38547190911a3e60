/** The network that a guest has of its own: a namespace from which nothing leaves but what its spec says. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AGENT_LOCAL_PORT } from '../../../domain/machine/local-machine.ts';
import { opensEgress, opensNames, type Egress } from '../../../domain/network/egress.ts';
import type { Network } from '../../../domain/network/ipv4.ts';
import type { PortSpec } from '../../../domain/vm/spec.ts';
import { GUEST_UIDS } from '../machine/guest-users.ts';
import { INSIDE, guestFilter } from './guest-filter.ts';
import { UPLINK_FILE } from './uplink-state.ts';

/** Users of uplinks, one for each of the guests'. No guest's QEMU may own the namespace that its network is in. */
const FIRST_UPLINK_UID = GUEST_UIDS.first - 0x1000_0000;
/** Of one that is made to see whether it can be. */
export const UPLINK_UID_OF_PROBE = FIRST_UPLINK_UID + GUEST_UIDS.count;
const RESOLVER_FILE = 'resolv.conf';

export interface NetworkLaunch {
  /** The user that the uplink runs as; null: that of the worker. */
  uid: number | null;
  /** Of the machine, for what the uplink says of itself. */
  stateFile: string;
  /** Null: the guest looks up no names. */
  resolverFile: string | null;
  filter: string;
  /** Whether the filter lets anything out. */
  isOpen: boolean;
  /** To try, in this order. */
  addresses: readonly string[];
  ports: readonly string[];
  /** How often an uplink that ended is started again, each half second, before the guest is given up. */
  uplinkTries: number;
}

/** A minute: an upgrade of the host's packages takes less, and nobody reaches the guest meanwhile. */
export const UPLINK_TRIES = 120;

export interface NetworkInput {
  dir: string;
  egress: Egress;
  ports: readonly PortSpec[];
  addresses: readonly string[];
  /** User of the guest's QEMU, where root starts that. */
  guestUid: number | undefined;
  /** See {@link guestFilter}. */
  egressNetworks: readonly Network[];
  uplinkTries: number;
}

/** Writes what the network needs into the machine's directory. */
export async function prepareNetwork({
  dir,
  egress,
  ports,
  addresses,
  guestUid,
  egressNetworks,
  uplinkTries,
}: NetworkInput): Promise<NetworkLaunch> {
  const resolverFile = opensNames(egress) ? join(dir, RESOLVER_FILE) : null;
  // QEMU reads it as the guest's user.
  if (resolverFile !== null) await writeFile(resolverFile, `nameserver ${INSIDE.resolver}\n`, { mode: 0o644 });
  return {
    uid: guestUid === undefined ? null : guestUid - GUEST_UIDS.first + FIRST_UPLINK_UID,
    stateFile: join(dir, UPLINK_FILE),
    resolverFile,
    filter: guestFilter(egress, egressNetworks),
    isOpen: opensEgress(egress),
    addresses,
    uplinkTries,
    // The agent's port is how the machine claims its address; nobody answers there.
    ports: [`t:${AGENT_LOCAL_PORT}`, ...ports.map(({ protocol, port }) => `${protocol === 'tcp' ? 't' : 'u'}:${port}`)],
  };
}

/** Where the tools are: on Debian some are in directories that only root has on its PATH. */
export function networkPath(): string {
  return `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin:/sbin`;
}

/** What QEMU forwards to the guest, in the namespace, where nothing but the uplink comes in. */
export function forwards(ports: readonly PortSpec[]): string {
  return ports.map(({ protocol, port }) => `,hostfwd=${protocol}:0.0.0.0:${port}-:${port}`).join('');
}
