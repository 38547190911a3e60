import { describe, expect, it } from 'vitest';
import {
  addressRanges,
  addressesInOrder,
  overlapping,
  parseAddressRange,
} from '../../../../domain/network/address-range.ts';

describe('a range of addresses that a host gives to its machines', () => {
  it.each([
    ['lan', 'is no range; ranges look like 192.0.2.64/27'],
    ['192.0.2.65/27', 'is no range; perhaps 192.0.2.64/27 is meant'],
    ['10.0.0.0/8', 'is too big; a range has at most 65536 addresses'],
    ['127.0.5.0/24', 'lies in 127.0.0.0/8, where no other computer reaches it'],
    ['239.1.0.0/24', 'lies in 224.0.0.0/3'],
    ['169.254.7.0/24', 'lies in 169.254.0.0/16'],
  ])('%s is refused: it %s', (text, problem) => {
    expect(parseAddressRange(text)).toContain(problem);
  });

  it('overlaps that of another host where they share an address', () => {
    expect(overlapping(['192.0.2.0/26', '198.51.100.9'], ['192.0.2.64/26'])).toBeUndefined();
    expect(overlapping(['192.0.2.0/26', '198.51.100.9'], ['198.51.100.0/24'])).toEqual([
      '198.51.100.9/32',
      '198.51.100.0/24',
    ]);
  });

  it('is tried by each machine once and whole, from a place of its own on', () => {
    const ranges = addressRanges(['192.0.2.64/30', '198.51.100.9']);
    const orders = ['m-a', 'm-b', 'm-c', 'm-d', 'm-e', 'm-f'].map((id) => [...addressesInOrder(ranges, id)]);
    for (const order of orders) {
      expect([...order].sort()).toEqual(['192.0.2.64', '192.0.2.65', '192.0.2.66', '192.0.2.67', '198.51.100.9']);
    }
    expect(new Set(orders.map(([first]) => first)).size).toBeGreaterThan(1);
    expect(orders[0]).toEqual([...addressesInOrder(ranges, 'm-a')]);
  });
});
