import type { HostFacts, LeaseStatus } from './state.ts';

export interface HoldLeaseInput {
  hostId: string;
  /** Number of the lease, which only grows. */
  lease: number;
  /** The host takes no creates while it holds this lease. */
  cordoned: boolean;
  /** What the registry heard of the host last, by which it knows what it never said itself. Absent: of before. */
  announced?: Announced;
}

export interface Announced {
  incarnation: string;
  facts: HostFacts;
}

/** What the workflow of a host asks of the host itself, on its own queue. */
export interface LeaseActivities {
  /** Heartbeats {@link LeaseStatus} and never ends by itself; resolves when the host ends in order. */
  holdLease: (input: HoldLeaseInput) => Promise<LeaseStatus>;
}

/** `lostAt`: since when the host counts as lost, epoch ms by Temporal's clock; absent: of before. */
export interface ReleaseInput {
  hostId: string;
  lostAt?: number;
}

/** What it asks of control workers. Each is idempotent and may run again at any time. */
export interface RegistryActivities {
  /** Tells every VM with a machine on the host that it is lost. */
  releaseMachines: (input: ReleaseInput) => Promise<void>;
  /** Drains the VMs on the host until none is left. */
  drainHost: (input: { hostId: string }) => Promise<void>;
  /** Has the pools replace their machines on the host, until none waits there. */
  evictWarmMachines: (input: { hostId: string }) => Promise<void>;
  /** Ids of the hosts that have the provider, whatever their state. */
  listHosts: (input: { provider: string }) => Promise<string[]>;
}
