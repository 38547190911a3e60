import { reachOfAddress, type Reach } from '../../../domain/network/ipv4.ts';
import type { VmView } from '../../../domain/vm/view.ts';
import { PROVIDERS } from '../../../providers/registry.ts';

/**
 * From where users reach the address of a VM. Where a provider gives addresses on the internet to those who ask, the others have
 * none there, whatever the numbers of its own network look like.
 */
export function reachOf({ provider, spec }: Pick<VmView, 'provider' | 'spec'>, ip: string): Reach {
  const givesExternal = PROVIDERS.find(({ name }) => name === provider)?.capabilities.externalIp === true;
  const reach = reachOfAddress(ip);
  return givesExternal && !spec.externalIp && reach === 'internet' ? 'network' : reach;
}
