import { isoTime } from '../iso-time.ts';
import type { RoomSize } from '../capacity/room.ts';
import type { Host, HostStateName, LeaseStatus } from './state.ts';

/** What leaves the workflow of a host: JSON only, times as RFC 3339. */
export interface HostView {
  hostId: string;
  state: HostStateName;
  /** Since when it is there, away or lost. */
  since: string;
  /** When it counts as lost unless it returns; null while it does not run away. */
  lostAt: string | null;
  version: string;
  providers: string[];
  /** Providers whose machines take no room here. */
  roomless?: string[];
  /** Ranges that its machines have addresses of. */
  addresses?: string[];
  capacity: RoomSize;
  zone: string | null;
  labels: Record<string, string>;
  address: string | null;
  fingerprint: string | null;
  incarnation: string;
  /** What it said last before its lease ended; a running lease knows better. */
  lastStatus: LeaseStatus | null;
  /** An administrator took it out. */
  removed: boolean;
}

export function hostView(host: Host): HostView {
  const { hostId, facts, presence, incarnation, lastStatus } = host;
  const { version, providers, roomless = [], addresses = [], capacity, zone, labels, address, fingerprint } = facts;
  return {
    ...{ hostId, state: hostState(host), since: isoTime(presence.since) },
    lostAt: presence.name === 'away' ? isoTime(presence.since + facts.lostSeconds * 1000) : null,
    ...{ version, providers, capacity, zone, labels, address, fingerprint, incarnation, lastStatus },
    removed: presence.name === 'removed',
    ...(roomless.length === 0 ? {} : { roomless }),
    ...(addresses.length === 0 ? {} : { addresses }),
  };
}

/** The one word for a host: whether it is there comes before what is wanted of it. */
export function hostState({ presence, wish }: Pick<Host, 'presence' | 'wish'>): HostStateName {
  if (presence.name === 'away' || presence.name === 'lost') return presence.name;
  return wish === 'serve' ? 'ready' : wish === 'cordon' ? 'cordoned' : 'draining';
}
