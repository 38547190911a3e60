/** A host as its workflow knows it: what it said of itself, what administrators want of it, and whether it is there. */
import { NO_ROOM, type RoomSize } from '../capacity/room.ts';
import { TIMEOUTS } from '../timeouts.ts';

export const HOST_STATE_NAMES = ['ready', 'cordoned', 'draining', 'away', 'lost'] as const;
export type HostStateName = (typeof HOST_STATE_NAMES)[number];

/** What a host says of itself each time it is ready. JSON only. */
export interface HostFacts {
  /** Version of Ephemera that it runs. */
  version: string;
  providers: string[];
  /** Those of them whose machines take no room here; absent: of hosts of before, of which nobody knows. */
  roomless?: string[];
  capacity: RoomSize;
  zone: string | null;
  labels: Record<string, string>;
  /** Ranges that its machines have addresses of; absent: they have loopback addresses. */
  addresses?: string[];
  /** `host:port` of its internal endpoint; null where it has none. */
  address: string | null;
  /** By which its endpoint's certificate is known; null where it speaks plain HTTP. */
  fingerprint: string | null;
  /** How long it may be away until its machines count as lost; its own fence goes by the same. */
  lostSeconds: number;
}

/** What the heartbeats of a lease carry. */
export interface LeaseStatus {
  free: RoomSize;
  machines: number;
  /** Copies of machine images, as `imageCopiesIn` reads them; absent where it has none, and of hosts of before. */
  images?: unknown;
}

/** What an administrator wants: it holds while the host is away, and when it returns. */
export type HostWish = 'serve' | 'cordon' | 'drain';

/** Each presence carries its own data; times are epoch ms. */
export type Presence =
  | { name: 'present'; since: number }
  /** `stage`: the time until `deadlineAt` is the first part of its patience, or the last one. */
  | { name: 'away'; since: number; stage: 'waiting' | 'lastCall'; deadlineAt: number }
  /** `released`: its VMs know that their machines are lost. `leaves`: it is removed as soon as they do. */
  | { name: 'lost'; since: number; released: boolean; leaves?: true }
  | { name: 'removed'; since: number };

export interface Host {
  hostId: string;
  facts: HostFacts;
  /** The process that said last that it is ready; empty before any did. */
  incarnation: string;
  wish: HostWish;
  /** `pending`: its VMs are being drained. */
  drain: 'none' | 'pending' | 'done';
  presence: Presence;
  /** Number of the lease that is wanted now: what is said of an earlier one changes nothing. */
  lease: number;
  /** What the last heartbeat of a lease that ended said; null before any. */
  lastStatus: LeaseStatus | null;
}

const UNKNOWN_FACTS: HostFacts = {
  ...{ version: '', providers: [], capacity: NO_ROOM, zone: null, labels: {}, address: null, fingerprint: null },
  lostSeconds: TIMEOUTS.hostLostSeconds,
};

/** A host that has not reported yet: away until it says that it is ready. */
export function newHost(hostId: string, at: number): Host {
  return {
    hostId,
    facts: UNKNOWN_FACTS,
    ...{ incarnation: '', wish: 'serve', drain: 'none', lease: 0, lastStatus: null },
    presence: awaySince(at, UNKNOWN_FACTS.lostSeconds),
  };
}

/**
 * The patience with a host that is away has two parts. After an outage of Temporal the first timer is long over when it
 * fires; the second one begins then, so the host has some time to come back.
 */
export function awaySince(at: number, lostSeconds: number): Presence {
  return {
    name: 'away',
    since: at,
    stage: 'waiting',
    deadlineAt: at + (lostSeconds - lastCallSeconds(lostSeconds)) * 1000,
  };
}

export function lastCallSeconds(lostSeconds: number): number {
  return Math.min(TIMEOUTS.hostReturnSeconds, Math.floor(lostSeconds / 2));
}

/** Whether the host may take creates while it holds its lease. */
export function isCordoned({ wish }: Pick<Host, 'wish'>): boolean {
  return wish !== 'serve';
}
