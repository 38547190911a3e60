/** What leaves the network namespace of a guest, as rules of nftables. */
import {
  egressRules,
  isPrivate,
  isWithin,
  opensNames,
  type Egress,
  type EgressRule,
} from '../../../domain/network/egress.ts';
import { NEVER_REACHED, PRIVATE_NETWORKS, networkText, type Network } from '../../../domain/network/ipv4.ts';

/** Addresses inside of the namespace: that of the guest's network card to outside, its router and its resolver. */
export const INSIDE = { card: '10.99.0.2', router: '10.99.0.1', resolver: '10.99.0.3' } as const;

/** Table, and its sets that are kept up to date: addresses of the host, and networks that it is directly on. */
export const FILTER = { table: 'guest', ofHost: 'ofhost', beside: 'beside' } as const;

/**
 * The first rule that matches decides, and what none lets out stays inside. Answers to those who came in always go out. The
 * addresses of the host come before everything that opens; networks of organisations, and those the host is directly on, are
 * reached only where a rule names them, and lies within one of `allowed`.
 */
export function guestFilter(egress: Egress, allowed: readonly Network[] = []): string {
  const rules = typeof egress === 'boolean' ? [] : egressRules(egress);
  const named = rules.filter(({ network }) => network !== null);
  const isAllowed = (rule: EgressRule): boolean => isWithin(rule, allowed);
  const lines = [
    'oif "lo" accept',
    'ct state established,related accept',
    ...(opensNames(egress) ? [`ip daddr ${INSIDE.resolver} meta l4proto { tcp, udp } th dport 53 accept`] : []),
    `ip daddr @${FILTER.ofHost} drop`,
    `ip daddr { ${NEVER_REACHED.map(networkText).join(', ')} } drop`,
    ...named.filter((rule) => isPrivate(rule) && isAllowed(rule)).map(accept),
    `ip daddr { ${PRIVATE_NETWORKS.map(networkText).join(', ')} } drop`,
    ...named.filter((rule) => !isPrivate(rule) && isAllowed(rule)).map(accept),
    `ip daddr @${FILTER.beside} drop`,
    ...named.filter((rule) => !isPrivate(rule) && !isAllowed(rule)).map(accept),
    ...rules.filter(({ network }) => network === null).map(accept),
    ...(egress === true ? ['meta l4proto { tcp, udp } accept'] : []),
  ];
  const set = (name: string): string => `  set ${name} { type ipv4_addr; flags interval; auto-merge; }`;
  const chain = (rulesOfChain: readonly string[]): string[] => [
    '  chain out {',
    '    type filter hook output priority 0; policy drop;',
    ...rulesOfChain.map((rule) => `    ${rule}`),
    '  }',
  ];
  return [
    `table ip ${FILTER.table} {`,
    ...[set(FILTER.ofHost), set(FILTER.beside)],
    ...chain(lines),
    '}',
    `table ip6 ${FILTER.table} {`,
    ...chain(['oif "lo" accept']),
    '}',
    '',
  ].join('\n');
}

function accept({ network, ports }: EgressRule): string {
  const to = network === null ? '' : `ip daddr ${networkText(network)} `;
  if (ports === null) return `${to}meta l4proto { tcp, udp } accept`;
  const { first, last, protocol } = ports;
  return `${to}${protocol} dport ${first === last ? first : `${first}-${last}`} accept`;
}
