/**
 * In which queue a create of a host provider waits, pure. Most wait by size class alone; one that names zones waits in
 * its zone's queues, so that no host of another zone ever sees it; one that asks for labels waits in a queue of all
 * hosts, and those that do not match hand it back.
 */
import type { VmSpec } from '../vm/spec.ts';
import { SIZE_CLASSES, sizeClassOf } from './size-class.ts';

/** Suffix of a queue of creates. */
export type CreateLane = string;

const BY_LABELS: CreateLane = 'selector';

/** `zone`: the one that is tried now, of those that the spec names; null where it names none. */
export function createLaneOf(
  { cpus, memoryMb, diskGb, hostSelector }: Pick<VmSpec, 'cpus' | 'memoryMb' | 'diskGb' | 'hostSelector'>,
  zone: string | null,
): CreateLane {
  if (hostSelector !== undefined) return BY_LABELS;
  const sizeClass = sizeClassOf({ cpus, memoryMb, diskGb });
  return zone === null ? sizeClass : `${sizeClass}.${zone}`;
}

/** The lanes that a host pulls from. */
export function lanesOfHost(zone: string | null): CreateLane[] {
  const ofZone = zone === null ? [] : SIZE_CLASSES.map((sizeClass) => `${sizeClass}.${zone}`);
  return [...SIZE_CLASSES, ...ofZone, BY_LABELS];
}

/** What decides on which hosts a machine may be. */
export interface HostTraits {
  hostId: string;
  zone: string | null;
  labels: Readonly<Record<string, string>>;
}

/** Why this host may not have a machine of the spec, or undefined when it may. */
export function mismatchText(
  { zones, hostSelector = {} }: Pick<VmSpec, 'zones' | 'hostSelector'>,
  host: HostTraits,
): string | undefined {
  if (zones.length > 0 && (host.zone === null || !zones.includes(host.zone))) {
    return `host ${host.hostId} is in ${host.zone === null ? 'no zone' : `zone ${host.zone}`}, asked for ${zones.join(', ')}`;
  }
  const missing = Object.entries(hostSelector).filter(([key, value]) => host.labels[key] !== value);
  if (missing.length === 0) return undefined;
  return `host ${host.hostId} has no label ${missing.map(([key, value]) => `${key}=${value}`).join(', ')}`;
}
