/**
 * Where the machines of a pool are asked for first, so that they are in many zones and on many hosts: a host that is lost
 * takes few of them with it. A host that has no room, or does not answer, is passed over: then any other may have the machine.
 */
import type { HostPlace, Pool } from './state.ts';

/** For each of `count` machines the host with the fewest of the pool, in the zone with the fewest; null: any, for there is no choice. */
export function preferredHosts(
  { name, machines }: Pick<Pool, 'name' | 'machines'>,
  hosts: readonly HostPlace[],
  count: number,
): (HostPlace | null)[] {
  if (hosts.length < 2) return Array.from({ length: count }, () => null);
  const byHost = new Map<string, number>();
  const byZone = new Map<string | null, number>();
  const add = ({ host, zone }: HostPlace): void => {
    byHost.set(host, (byHost.get(host) ?? 0) + 1);
    byZone.set(zone, (byZone.get(zone) ?? 0) + 1);
  };
  for (const { state, evicted, place } of machines) {
    if (state !== 'leaving' && evicted !== true && place !== undefined) add(place);
  }
  // Small pools begin at different hosts.
  const first = hashOf(name) % hosts.length;
  const order = [...hosts.slice(first), ...hosts.slice(0, first)];
  return Array.from({ length: count }, () => {
    const fill = ({ host, zone }: HostPlace): [number, number] => [byZone.get(zone) ?? 0, byHost.get(host) ?? 0];
    const least = order.reduce((best, one) => (isLess(fill(one), fill(best)) ? one : best));
    add(least);
    return least;
  });
}

function isLess([zone, host]: [number, number], [otherZone, otherHost]: [number, number]): boolean {
  return zone < otherZone || (zone === otherZone && host < otherHost);
}

function hashOf(text: string): number {
  let hash = 0;
  for (const character of text) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003;
  return hash;
}
