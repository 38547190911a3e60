import { describe, expect, it } from 'vitest';
import { opensEgress, opensNames, parseEgressRule } from '../../../../domain/network/egress.ts';

describe('a rule of egress', () => {
  it('names ports, a network, or ports of a network', () => {
    expect(parseEgressRule('443/tcp')).toEqual({ network: null, ports: { first: 443, last: 443, protocol: 'tcp' } });
    expect(parseEgressRule('27000-27100/udp')).toMatchObject({
      ports: { first: 27_000, last: 27_100, protocol: 'udp' },
    });
    expect(parseEgressRule('203.0.113.0/24')).toEqual({ network: { first: 0xcb_00_71_00, bits: 24 }, ports: null });
    expect(parseEgressRule('203.0.113.9')).toEqual({ network: { first: 0xcb_00_71_09, bits: 32 }, ports: null });
    expect(parseEgressRule('10.1.0.0/16:5432/tcp')).toEqual({
      network: { first: 0x0a_01_00_00, bits: 16 },
      ports: { first: 5432, last: 5432, protocol: 'tcp' },
    });
  });

  it.each([
    ['', 'is no rule'],
    ['443', 'is no rule'],
    ['tcp/443', 'is no rule'],
    ['example.com', 'is no rule'],
    ['::1', 'is no rule'],
    ['443/sctp', 'is no rule'],
    [' 443/tcp', 'is no rule'],
    ['443/tcp; drop', 'is no rule'],
    ['1.2.3', 'is no rule'],
    ['01.2.3.4', 'is no rule'],
    ['1.2.3.256', 'is no rule'],
    ['1.2.3.4/33', 'is no rule'],
    ['0/tcp', 'is no rule'],
    ['65536/tcp', 'names no ports from 1 to 65535'],
    ['90-80/udp', 'names no ports from 1 to 65535'],
    ['203.0.113.9/24', 'is no network; perhaps 203.0.113.0/24 is meant'],
    ['203.0.113.9:80', '"80" is no port such as 8080/tcp'],
    ['0.0.0.0/0', 'say egress true'],
    ['127.0.0.1', 'lies in 127.0.0.0/8, which no machine ever reaches'],
    ['169.254.169.254:80/tcp', 'lies in 169.254.0.0/16'],
    ['100.100.100.200:80/tcp', 'lies in 100.100.100.200/32, which no machine ever reaches'],
    ['168.63.129.16', 'lies in 168.63.129.16/32'],
    ['192.0.0.192', 'lies in 192.0.0.0/24'],
    ['239.1.2.3', 'lies in 224.0.0.0/3'],
  ])('that reads %j is refused: it %s', (text, problem) => {
    expect(parseEgressRule(text)).toContain(problem);
  });
});

describe('egress', () => {
  it('opens nothing without rules, and names where port 53 goes out anywhere', () => {
    expect([false, []].map(opensEgress)).toEqual([false, false]);
    expect([true, ['443/tcp']].map(opensEgress)).toEqual([true, true]);
    expect([true, ['53/udp'], ['50-60/tcp']].map(opensNames)).toEqual([true, true, true]);
    expect([false, [], ['443/tcp'], ['203.0.113.9:53/udp']].map(opensNames)).toEqual([false, false, false, false]);
  });
});
