/** Addresses of a host's own range, which other computers reach, for its machines. */
import { createServer, type AddressInfo } from 'node:net';
import { AGENT_LOCAL_PORT } from '../../domain/machine/local-machine.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { addressRanges, addressesInOrder } from '../../domain/network/address-range.ts';
import { asHostFailure } from './host-failure.ts';
import { isErrno } from './files/machine-files.ts';

/** More are tried only where others took all of these meanwhile, and then by the next try. */
const MOST_CANDIDATES = 16;

/** Binds a port of an address for a moment: the port, or why that cannot be. `port` 0: any. */
export function bindOnce(ip: string, port: number): Promise<number | 'taken' | 'elsewhere'> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      if (isErrno(error, 'EADDRINUSE')) resolve('taken');
      else if (isErrno(error, 'EADDRNOTAVAIL')) resolve('elsewhere');
      else reject(asHostFailure(error));
    });
    server.listen({ port, host: ip, exclusive: true }, () => {
      const bound = (server.address() as AddressInfo).port;
      server.close(() => resolve(bound));
    });
  });
}

/** Addresses that no machine has claimed, in the machine's own order. Errors: `addressesExhausted`, `hostFailure`. */
export async function unclaimedAddresses(ranges: readonly string[], machineId: string): Promise<string[]> {
  const found: string[] = [];
  for (const ip of addressesInOrder(addressRanges(ranges), machineId)) {
    if (typeof (await bindOnce(ip, AGENT_LOCAL_PORT)) === 'number') found.push(ip);
    if (found.length === MOST_CANDIDATES) break;
  }
  if (found.length > 0) return found;
  throw new ProviderError('addressesExhausted', `every address of ${ranges.join(', ')} is taken by a machine`);
}
