import { networkInterfaces } from 'node:os';
import { hostPort } from '../../lib/network/host-port.ts';

const EVERY_ADDRESS = ['0.0.0.0', '::'];

/** `host:port` at which other computers reach what listens here: a listener on every address has none of its own. */
export function reachedAt(listensOn: string, port: number): string {
  const host = EVERY_ADDRESS.includes(listensOn) ? (ownAddress() ?? '127.0.0.1') : listensOn;
  return hostPort(host, port);
}

/** The first one that is not loopback. */
function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
}
