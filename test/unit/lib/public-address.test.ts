import { describe, expect, it } from 'vitest';
import { isInRanges, isPublicAddress, rangesOf } from '../../../lib/network/public-address.ts';

describe('an address', () => {
  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '2a00:1450:4001::1',
    '::ffff:8.8.8.8',
  ])('%s is public', (address) => expect(isPublicAddress(address)).toBe(true));

  it.each([
    ...['127.0.0.1', '127.255.255.254', '0.0.0.0', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
    ...['169.254.169.254', '100.64.0.1', '192.0.0.1', '192.0.2.1', '198.18.0.1', '198.51.100.7', '203.0.113.9'],
    ...['224.0.0.1', '240.0.0.1', '255.255.255.255', '::', '::1', 'fe80::1', 'fc00::1', 'fd12::1', 'ff02::1'],
    ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001:db8::1'],
    ...['2001::1', 'fe80::1%eth0', 'localhost', '', '127.1', '0x7f.1'],
  ])('%s is not', (address) => expect(isPublicAddress(address)).toBe(false));

  it('is in the ranges that settings name, in whichever form it is written', () => {
    const ranges = rangesOf(['10.0.0.0/8', '192.0.2.7', 'loopback', 'fd00::/8']);
    for (const address of ['10.9.9.9', '192.0.2.7', '127.0.0.1', '::1', 'fd00::5', '::ffff:10.0.0.1']) {
      expect([address, isInRanges(ranges, address)]).toEqual([address, true]);
    }
    for (const address of ['11.0.0.1', '192.0.2.8', 'fe80::1', 'nonsense']) {
      expect([address, isInRanges(ranges, address)]).toEqual([address, false]);
    }
  });
});
