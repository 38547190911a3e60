import { randomInt } from 'node:crypto';
import { tryListen } from './ports.ts';

/**
 * Ports that no browser connects to, whatever the page and the host name (the "bad ports" of the Fetch standard), and
 * that need no rights. What has to speak HTTP without looking at who asks is put there.
 */
export const SHUT_PORTS = [
  ...[6665, 6666, 6667, 6668, 6669, 6697, 6566, 6000, 5060, 5061],
  ...[10080, 4045, 3659, 2049, 1723, 1720, 1719],
];

/** A free one at the address, or any free port where all of them are taken. */
export async function portShutToBrowsers(host: string): Promise<number> {
  const from = randomInt(SHUT_PORTS.length);
  for (const port of [...SHUT_PORTS.slice(from), ...SHUT_PORTS.slice(0, from)]) {
    if ((await tryListen(host, port)).ok) return port;
  }
  const other = await tryListen(host, 0);
  if (!other.ok) throw new Error(`no free port on ${host} (${other.code})`);
  return other.port;
}

/** An address of this computer that nobody uses or guesses, with such a port; 127.0.0.1 where there is no other. */
export async function placeShutToBrowsers(): Promise<{ host: string; port: number }> {
  const own = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  const host = (await tryListen(own, 0)).ok ? own : '127.0.0.1';
  return { host, port: await portShutToBrowsers(host) };
}
