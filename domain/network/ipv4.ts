/** IPv4 addresses and networks as numbers; this layer has no platform types. */

/** `192.0.2.0/24`: the first address, and how many bits all its addresses share. */
export interface Network {
  first: number;
  bits: number;
}

const DECIMAL = /^(0|[1-9]\d{0,2})$/;
const BITS = /^(0|[1-9]\d?)$/;

/** The address in a text, or undefined when it is none. No other spelling than the plain one counts. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => DECIMAL.test(part) && Number(part) <= 255)) return undefined;
  return parts.reduce((address, part) => address * 256 + Number(part), 0);
}

/** `192.0.2.0/24` or `192.0.2.7`; undefined when the text is neither. Its address may have bits of a host set. */
export function parseWrittenNetwork(text: string): { address: number; bits: number } | undefined {
  const [ip = '', bits, ...rest] = text.split('/');
  const address = parseAddress(ip);
  if (address === undefined || rest.length > 0) return undefined;
  if (bits === undefined) return { address, bits: 32 };
  return BITS.test(bits) && Number(bits) <= 32 ? { address, bits: Number(bits) } : undefined;
}

/** The network of this size that holds an address. */
export function networkOf(address: number, bits: number): Network {
  const size = sizeOf({ bits });
  return { first: Math.floor(address / size) * size, bits };
}

/** How many addresses it has. */
export function sizeOf({ bits }: Pick<Network, 'bits'>): number {
  return 2 ** (32 - bits);
}

export function overlap(one: Network, other: Network): boolean {
  return one.first < other.first + sizeOf(other) && other.first < one.first + sizeOf(one);
}

/** Whether `inner` has no address that `outer` has not. */
export function lieWithin(inner: Network, outer: Network): boolean {
  return inner.bits >= outer.bits && networkOf(inner.first, outer.bits).first === outer.first;
}

export function addressText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

export function networkText({ first, bits }: Network): string {
  return `${addressText(first)}/${bits}`;
}

const named = (text: string): Network => {
  const { address, bits } = parseWrittenNetwork(text) ?? { address: 0, bits: 32 };
  return { first: address, bits };
};

/** Where clouds tell a computer its secrets, besides link-local: Alibaba, Azure, Oracle. */
const METADATA = ['100.100.100.200/32', '168.63.129.16/32', '192.0.0.0/24'];

/** This network, loopback, link-local, the metadata of clouds, multicast and all above. No guest ever reaches them. */
export const NEVER_REACHED: readonly Network[] = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16'],
  ...METADATA,
  '224.0.0.0/3',
].map(named);

/** Networks of organisations and providers; a guest reaches only those of them that are named. */
export const PRIVATE_NETWORKS: readonly Network[] = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '172.16.0.0/12',
  '192.168.0.0/16',
].map(named);

const LOOPBACK = named('127.0.0.0/8');
/** Never routed on the internet: link-local, for benchmarks and for documentation. */
const NOT_OF_THE_INTERNET: readonly Network[] = [
  ...PRIVATE_NETWORKS,
  ...['169.254.0.0/16', '192.0.0.0/24', '192.0.2.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'].map(
    named,
  ),
];

/** From where an address can be reached: its own computer, networks that route it, or the whole internet. */
export const REACHES = ['host', 'network', 'internet'] as const;
export type Reach = (typeof REACHES)[number];

/** What an IPv4 address alone tells; whether a firewall lets anybody through is another matter. */
export function reachOfAddress(ip: string): Reach {
  const address = parseAddress(ip);
  if (address === undefined) return 'network';
  const one = { first: address, bits: 32 };
  if (lieWithin(one, LOOPBACK)) return 'host';
  return NOT_OF_THE_INTERNET.some((network) => lieWithin(one, network)) ? 'network' : 'internet';
}
