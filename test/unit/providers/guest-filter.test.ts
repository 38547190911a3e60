import { describe, expect, it } from 'vitest';
import { parseNetworkText, type Egress } from '../../../domain/network/egress.ts';
import type { Network } from '../../../domain/network/ipv4.ts';
import { guestFilter } from '../../../providers/qemu/network/guest-filter.ts';

const [ORGANISATION] = ['10.1.0.0/16'].map((text) => parseNetworkText(text)!);

const rulesOf = (egress: Egress, allowed: readonly Network[] = [ORGANISATION!]): string[] =>
  guestFilter(egress, allowed)
    .split('table ip6')[0]!
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /(accept|drop)$/.test(line));

describe('the filter of a guest', () => {
  it('lets out nothing but answers by default', () => {
    expect(rulesOf(false).filter((rule) => rule.endsWith('accept'))).toEqual([
      'oif "lo" accept',
      'ct state established,related accept',
    ]);
    expect(guestFilter(false).match(/policy drop/g)).toHaveLength(2);
  });

  it('opens the internet after it shut host, never reached networks, private networks and neighbours', () => {
    const rules = rulesOf(true);
    expect(rules.slice(-1)).toEqual(['meta l4proto { tcp, udp } accept']);
    const order = ['@ofhost drop', '169.254.0.0/16', '192.168.0.0/16', '@beside drop'].map((text) =>
      rules.findIndex((rule) => rule.includes(text)),
    );
    expect(order).toEqual([...order].sort((one, other) => one - other));
    expect(Math.min(...order)).toBeGreaterThan(0);
  });

  it('opens a private network where a rule lies within it, and never by one that is wider', () => {
    const rules = rulesOf(['10.1.0.0/16:5432/tcp', '8.0.0.0/5']);
    const at = (text: string): number => rules.findIndex((rule) => rule.startsWith(text));
    expect(at('ip daddr 10.1.0.0/16 tcp dport 5432')).toBeLessThan(at('ip daddr { 10.0.0.0/8'));
    expect(at('ip daddr 8.0.0.0/5')).toBeGreaterThan(at('ip daddr { 10.0.0.0/8'));
    expect(at('ip daddr @ofhost drop')).toBeLessThan(at('ip daddr 10.1.0.0/16'));
  });

  it('opens no private network, and none that the host is on, that its operator does not let guests reach', () => {
    expect(rulesOf(['10.1.0.0/16:5432/tcp'], []).filter((rule) => rule.includes('10.1.0.0/16 tcp'))).toEqual([]);
    expect(rulesOf(['10.0.0.0/8']).filter((rule) => rule.startsWith('ip daddr 10.0.0.0/8'))).toEqual([]);
    const [beside] = ['203.0.113.0/24'].map((text) => parseNetworkText(text)!);
    const order = (rules: string[]): number[] =>
      ['ip daddr 203.0.113.7/32', 'ip daddr @beside drop'].map((text) =>
        rules.findIndex((rule) => rule.startsWith(text)),
      );
    const [named, drop] = order(rulesOf(['203.0.113.7'], [])) as [number, number];
    expect(named).toBeGreaterThan(drop);
    const [allowed, later] = order(rulesOf(['203.0.113.7'], [beside!])) as [number, number];
    expect(allowed).toBeLessThan(later);
  });

  it('never opens the metadata of a cloud, which is not link-local everywhere', () => {
    for (const rules of [rulesOf(true), rulesOf(['80/tcp', '100.100.0.0/16', '168.0.0.0/6', '192.0.0.0/20'])]) {
      const shut = rules.findIndex((rule) => /168\.63\.129\.16.* drop$/.test(rule));
      expect(rules[shut]).toMatch(/100\.100\.100\.200.*192\.0\.0\.0\/24/);
      const opened = rules.slice(0, shut).filter((rule) => rule.endsWith('accept') && rule.includes('daddr'));
      expect(opened.filter((rule) => !rule.includes('10.99.0.3'))).toEqual([]);
    }
  });

  it('asks the resolver of the host only where names may be looked up', () => {
    expect(guestFilter(['443/tcp'])).not.toContain('10.99.0.3');
    expect(guestFilter(['53/udp'])).toContain('10.99.0.3');
  });
});
