/** The addresses of a host that somebody names who is not trusted. */
import { lookup, Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import pLimit from 'p-limit';

/**
 * The system's resolver asks for two names at a time in a process, and waits for each server for seconds: a name whose server never answers
 * would hold up all others. This one asks for all at once.
 */
const ASK = { timeout: 1000, tries: 2 } as const;
const HOSTS_FILE = '/etc/hosts';
/** A name without a dot, or of a loopback, is one of this network: only the system knows how it is searched for. */
const LOCAL_NAME = /^[^.]+$|\.localhost$/i;
const inTurn = pLimit(1);

export interface ResolvedAddress {
  address: string;
  family: 4 | 6;
}

export interface HostAddressesOptions {
  /** Name servers, `ip:port`; those of the system when absent. */
  servers?: readonly string[];
}

/** Every address of the host of a URL; an address in brackets or without is its own. Empty where it has none, or nobody knows. */
export async function addressesOf(host: string, { servers }: HostAddressesOptions = {}): Promise<ResolvedAddress[]> {
  const name = host.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (isIP(name) !== 0) return [resolvedAddress(name)];
  const written = addressesInHosts(await readFile(HOSTS_FILE, 'utf8').catch(() => ''), name);
  if (written.length > 0) return written.map(resolvedAddress);
  if (LOCAL_NAME.test(name)) return inTurn(() => askSystem(name));
  const resolver = new Resolver(ASK);
  if (servers !== undefined) resolver.setServers(servers);
  const none = (): string[] => [];
  const found = await Promise.all([resolver.resolve4(name).catch(none), resolver.resolve6(name).catch(none)]);
  return found.flat().map(resolvedAddress);
}

/** What a file like /etc/hosts says of a name. */
export function addressesInHosts(text: string, name: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const isNamed = names.some((one) => one.toLowerCase() === name.toLowerCase());
    return isNamed && isIP(address) !== 0 ? [address] : [];
  });
}

async function askSystem(name: string): Promise<ResolvedAddress[]> {
  const found = await lookup(name, { all: true }).catch(() => []);
  return found.map(({ address }) => resolvedAddress(address));
}

function resolvedAddress(address: string): ResolvedAddress {
  return { address, family: isIP(address) === 6 ? 6 : 4 };
}
