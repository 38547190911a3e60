import { createSocket } from 'node:dgram';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { hostname } from 'node:os';

const NAME_CHARACTERS = 50;
const LOOPBACK = '127.0.0.1';

/** A name for a new host: that of the computer, and something that tells apart several hosts on it. */
export function newHostId(computer: string = hostname()): string {
  const name = computer
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '-')
    .slice(0, NAME_CHARACTERS)
    .replaceAll(/^-+|-+$/g, '');
  return `${name === '' ? 'host' : name}-${randomBytes(2).toString('hex')}`;
}

/**
 * The address of this computer on the way to the API, which is on the same network: loopback when the API is here.
 * Nothing is sent. Undefined where there is no way there now.
 */
export async function addressTowards(apiUrl: string): Promise<string | undefined> {
  const { hostname: host, port, protocol } = new URL(apiUrl);
  const bare = host.replace(/^\[|\]$/g, '');
  if (bare === 'localhost') return LOOPBACK;
  const socket = createSocket(bare.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.connect(Number(port) || (protocol === 'https:' ? 443 : 80), bare);
    await once(socket, 'connect');
    const { address } = socket.address();
    return address.startsWith('127.') ? LOOPBACK : address;
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}
