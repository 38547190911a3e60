/** What a machine may reach: nothing, whatever it likes, or what a list of rules names. */
import {
  NEVER_REACHED,
  PRIVATE_NETWORKS,
  lieWithin,
  networkOf,
  networkText,
  parseWrittenNetwork,
  type Network,
} from './ipv4.ts';

/** As a spec has it. */
export type Egress = boolean | string[];

/** Most rules of one list. */
export const MAX_EGRESS_RULES = 32;

/** Null: any. */
export interface EgressRule {
  network: Network | null;
  ports: { first: number; last: number; protocol: 'tcp' | 'udp' } | null;
}

const PORTS = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?\/(tcp|udp)$/;
const MAX_PORT = 65_535;

/** Whether a machine may reach anything. */
export function opensEgress(egress: Egress): boolean {
  return egress === true || (Array.isArray(egress) && egress.length > 0);
}

/**
 * `443/tcp`, `27000-27100/udp`, `192.0.2.0/24`, `198.51.100.7`, `198.51.100.7/32:8080/tcp`. A text answers why another text
 * is no rule.
 */
export function parseEgressRule(text: string): EgressRule | string {
  const ports = parsePorts(text);
  if (ports !== undefined) return typeof ports === 'string' ? ports : { network: null, ports };
  const colon = text.indexOf(':');
  const network = parseNetwork(colon < 0 ? text : text.slice(0, colon));
  if (typeof network === 'string') return network;
  if (colon < 0) return { network, ports: null };
  const after = text.slice(colon + 1);
  const ofNetwork = parsePorts(after);
  if (ofNetwork === undefined) return `"${after}" is no port such as 8080/tcp or 27000-27100/udp`;
  return typeof ofNetwork === 'string' ? ofNetwork : { network, ports: ofNetwork };
}

/** Undefined: the text is about no port. */
function parsePorts(text: string): EgressRule['ports'] | string | undefined {
  const [, from, to = from, protocol] = PORTS.exec(text) ?? [];
  if (from === undefined || to === undefined) return undefined;
  const [first, last] = [Number(from), Number(to)];
  if (first > MAX_PORT || last > MAX_PORT || first > last) return `"${text}" names no ports from 1 to ${MAX_PORT}`;
  return { first, last, protocol: protocol === 'udp' ? 'udp' : 'tcp' };
}

function parseNetwork(text: string): Network | string {
  const written = parseWrittenNetwork(text);
  if (written === undefined) {
    return `"${text}" is no rule; rules look like 443/tcp, 27000-27100/udp, 192.0.2.0/24 or 198.51.100.7/32:8080/tcp`;
  }
  const network = networkOf(written.address, written.bits);
  if (network.first !== written.address) return `"${text}" is no network; perhaps ${networkText(network)} is meant`;
  if (network.bits === 0) return `"${text}" is everything; say egress true for that`;
  const never = NEVER_REACHED.find((one) => lieWithin(network, one));
  if (never !== undefined) return `"${text}" lies in ${networkText(never)}, which no machine ever reaches`;
  return network;
}

/** The rules of a list that was checked; what is no rule is left out. */
export function egressRules(texts: readonly string[]): EgressRule[] {
  return texts.map(parseEgressRule).filter((rule): rule is EgressRule => typeof rule !== 'string');
}

/** Whether the names of other computers can be looked up: a rule lets port 53 out wherever that is. */
export function opensNames(egress: Egress): boolean {
  if (typeof egress === 'boolean') return egress;
  return egressRules(egress).some(
    ({ network, ports }) => network === null && ports !== null && ports.first <= 53 && 53 <= ports.last,
  );
}

/**
 * Of a list, the first rule that opens a private network which is not within one of `allowed`; undefined where there is none. A rule
 * opens a private network where it lies within one.
 */
export function privateBeyond(egress: Egress, allowed: readonly Network[]): string | undefined {
  if (typeof egress === 'boolean') return undefined;
  return egress.find((text) => {
    const rule = parseEgressRule(text);
    return typeof rule !== 'string' && isPrivate(rule) && !isWithin(rule, allowed);
  });
}

/** Whether a rule opens a private network. */
export function isPrivate(rule: EgressRule): boolean {
  return isWithin(rule, PRIVATE_NETWORKS);
}

/** Whether a rule names addresses of one of these networks alone. */
export function isWithin({ network }: EgressRule, networks: readonly Network[]): boolean {
  return network !== null && networks.some((one) => lieWithin(network, one));
}

/** `10.1.0.0/16` as a network; undefined for what is none, and for an address with bits beyond its size. */
export function parseNetworkText(text: string): Network | undefined {
  const written = parseWrittenNetwork(text);
  if (written === undefined) return undefined;
  const network = networkOf(written.address, written.bits);
  return network.first === written.address ? network : undefined;
}
