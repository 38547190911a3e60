import { describe, expect, it } from 'vitest';
import { networkOf, networkText, overlap, parseAddress, reachOfAddress } from '../../../../domain/network/ipv4.ts';

describe('an address', () => {
  it.each([
    ['127.1.2.3', 'host'],
    ['10.0.0.9', 'network'],
    ['172.31.255.255', 'network'],
    ['192.168.1.2', 'network'],
    ['100.64.0.1', 'network'],
    ['169.254.1.1', 'network'],
    ['198.51.100.7', 'network'],
    ['172.32.0.1', 'internet'],
    ['34.1.2.3', 'internet'],
    ['fd00::1', 'network'],
  ] as const)('%s is reached from the %s', (ip, reach) => {
    expect(reachOfAddress(ip)).toBe(reach);
  });

  it('belongs to one network of each size', () => {
    const address = parseAddress('198.51.100.77')!;
    expect(networkText(networkOf(address, 24))).toBe('198.51.100.0/24');
    expect(networkText(networkOf(address, 32))).toBe('198.51.100.77/32');
    expect(overlap(networkOf(address, 32), networkOf(address, 8))).toBe(true);
    expect(overlap(networkOf(address, 32), networkOf(address + 1, 32))).toBe(false);
  });
});
