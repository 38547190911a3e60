/** Where a webhook may go: nowhere that the network of this deployment lends its caller. */
import type { BlockList } from 'node:net';
import { addressesOf, type ResolvedAddress } from '../../lib/network/host-addresses.ts';
import { isInRanges, isPublicAddress } from '../../lib/network/public-address.ts';

/** The host of a URL has another, or an address that is not allowed. */
export class TargetRefused extends Error {
  override name = 'TargetRefused';
}

const RESOLVE_MS = 5000;

/**
 * The addresses that a message to this URL may be sent to: exactly these, as a name may have others a moment later.
 * @throws TargetRefused where any of them is not allowed, or there is none.
 */
export async function allowedAddresses(url: URL, privateTargets: BlockList): Promise<ResolvedAddress[]> {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TargetRefused('it is no https:// address');
  const addresses = await resolved(url.hostname);
  for (const { address } of addresses) {
    if (isInRanges(privateTargets, address)) continue;
    if (!isPublicAddress(address)) throw new TargetRefused('its host has an address that is not public');
    if (url.protocol === 'http:')
      throw new TargetRefused('it is not https://, and its host is none of this deployment');
  }
  return addresses;
}

async function resolved(host: string): Promise<ResolvedAddress[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new TargetRefused('its host is not resolved in time')), RESOLVE_MS);
  });
  try {
    const addresses = await Promise.race([addressesOf(host), late]);
    if (addresses.length > 0) return addresses;
  } catch (error) {
    if (error instanceof TargetRefused) throw error;
  } finally {
    clearTimeout(timer);
  }
  throw new TargetRefused('its host has no address');
}
