import type { HostStateName } from './state.ts';

/** Hosts that restart are away for some seconds, and all of them after an outage of Temporal: creates wait for those. */
const AWAY_SECONDS = 15;

/** A host as far as it matters for whether anything makes machines. */
export interface SeenHost {
  state: HostStateName;
  provider: readonly string[];
  /** RFC 3339. */
  lastSeenAt: string;
}

/**
 * Whether all hosts that have the provider are gone for longer than a restart takes. One that is cordoned, or full, is there:
 * creates wait for it; and where no host is known they wait for the first one. `at`: epoch ms.
 */
export function isProviderDown(provider: string, hosts: readonly SeenHost[], at: number): boolean {
  const ofProvider = hosts.filter((host) => host.provider.includes(provider));
  return ofProvider.length > 0 && ofProvider.every((host) => isGone(host, at));
}

function isGone({ state, lastSeenAt }: SeenHost, at: number): boolean {
  if (state === 'lost') return true;
  return state === 'away' && at - Date.parse(lastSeenAt) > AWAY_SECONDS * 1000;
}
