import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextWarm, type Warm } from '../../../../domain/pool/handover.ts';
import { preferredHosts } from '../../../../domain/pool/spread.ts';
import type { HostPlace, PoolMachine } from '../../../../domain/pool/state.ts';

const host = (id: string, zone: string | null = null): HostPlace => ({ host: id, zone });
const at = (place: HostPlace, more: Partial<PoolMachine> = {}): PoolMachine => ({
  ...{ machineId: 'm', version: 1, state: 'ready', overdueAt: 0, place },
  ...more,
});
const counts = (places: readonly (HostPlace | null)[], of: 'host' | 'zone'): Record<string, number> => {
  const counted: Record<string, number> = {};
  for (const place of places) counted[String(place?.[of])] = (counted[String(place?.[of])] ?? 0) + 1;
  return counted;
};

describe('the machines of a pool', () => {
  it('go to the hosts that have the fewest of them, also many at once', () => {
    const hosts = [host('a'), host('b'), host('c')];
    expect(counts(preferredHosts({ name: 'chat', machines: [] }, hosts, 6), 'host')).toEqual({ a: 2, b: 2, c: 2 });
    const machines = [at(host('a')), at(host('a')), at(host('b'))];
    expect(preferredHosts({ name: 'chat', machines }, hosts, 1)).toEqual([host('c')]);
  });

  it('are as many in each zone, however many hosts that has', () => {
    const hosts = [host('a', 'attic'), host('b', 'attic'), host('c', 'attic'), host('d', 'cellar')];
    const places = preferredHosts({ name: 'chat', machines: [] }, hosts, 6);
    expect(counts(places, 'zone')).toEqual({ attic: 3, cellar: 3 });
    expect(counts(places, 'host')).toEqual({ a: 1, b: 1, c: 1, d: 3 });
  });

  it('that leave, or are to be replaced, count for no host; a single host is asked by nobody', () => {
    const machines = [at(host('a'), { state: 'leaving' }), at(host('a'), { evicted: true }), at(host('b'))];
    expect(preferredHosts({ name: 'chat', machines }, [host('a'), host('b')], 1)).toEqual([host('a')]);
    expect(preferredHosts({ name: 'chat', machines }, [host('a')], 2)).toEqual([null, null]);
  });

  it('never differ by more than one between two hosts of a zone, whatever their number', () => {
    const someHosts = fc.array(fc.constantFrom('x', 'y', null), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(someHosts, fc.nat(30), fc.string(), (zones, count, name) => {
        const hosts = zones.map((zone, index) => host(`h-${index}`, zone));
        const places = preferredHosts({ name, machines: [] }, hosts, count);
        for (const zone of new Set(zones)) {
          const of = hosts.filter((one) => one.zone === zone);
          const each = of.map((one) => places.filter((place) => place?.host === one.host).length);
          expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(1);
        }
        const zoneCounts = [...new Set(zones)].map((zone) => places.filter((place) => place?.zone === zone).length);
        expect(Math.max(...zoneCounts) - Math.min(...zoneCounts)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('wait on a host that takes no creates any more until others are there, for a bounded time, and stay with whoever was given one', () => {
    const machine = { machineId: 'm-1', provider: 'local', host: 'a', zone: null, address: null };
    const ready: Warm = { name: 'ready', machine, until: 9000 };
    const left = nextWarm(ready, { kind: 'evicted', until: 500 }).warm;
    expect(left).toEqual({ ...ready, until: 500, leaves: true });
    expect(nextWarm(left, { kind: 'evicted', until: 700 }).warm).toBe(left);
    expect(nextWarm(left, { kind: 'timeOver' }).warm).toMatchObject({ name: 'destroying', why: 'expired' });
    expect(nextWarm(left, { kind: 'retired' }).warm).toMatchObject({ name: 'destroying', why: 'retired' });
    const granted = nextWarm(left, { kind: 'granted', request: 'r', until: 800 }).warm;
    expect(granted).toEqual({ name: 'granted', machine, request: 'r', until: 800 });
    expect(nextWarm(granted, { kind: 'evicted', until: 900 }).warm).toBe(granted);
    expect(nextWarm({ name: 'creating' }, { kind: 'evicted', until: 1 }).warm).toMatchObject({ name: 'destroying' });
  });
});
