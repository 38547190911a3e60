import type { CallRate } from '../../domain/capacity/call-budget.ts';
import type { ProviderCapabilities } from '../../domain/machine/provider-capabilities.ts';

export const PROVIDER_NAME = 'digitalocean';

export const CAPABILITIES: ProviderCapabilities = {
  images: null,
  udpPorts: true,
  sizeEnforced: true,
  tcpReadiness: true,
  zones: true,
  hostSelector: false,
  disk: true,
  machineType: true,
  network: true,
  externalIp: true,
  // DigitalOcean takes no droplet back.
  spot: false,
  egress: true,
  egressRules: false,
  stop: true,
  // The disk of a droplet cannot be made anew without its tags: a rebuild keeps them, and the key that seals it.
  reset: false,
  suspend: false,
  close: true,
  startupScript: true,
  userData: true,
  secretEnv: true,
  containerSecrets: false,
  warmMachines: true,
  sealedWithoutAgentReadiness: false,
};

/** A token has 5,000 requests an hour and 250 a minute: nearly all of the hour, for nothing else should have that token. */
export const CALL_RATE: Pick<CallRate, 'callsPerSecond' | 'burst'> = { callsPerSecond: 1, burst: 120 };
