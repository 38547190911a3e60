import type { CallRate } from '../../domain/capacity/call-budget.ts';
import type { ProviderCapabilities } from '../../domain/machine/provider-capabilities.ts';

export const PROVIDER_NAME = 'gcp';

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
  spot: true,
  egress: true,
  egressRules: false,
  stop: true,
  // The disk of an instance cannot be made anew: what was on it would be the next user's.
  reset: false,
  suspend: true,
  close: true,
  startupScript: true,
  userData: true,
  secretEnv: true,
  containerSecrets: false,
  warmMachines: true,
  sealedWithoutAgentReadiness: false,
};

/** A Google Cloud project has 1,500 calls a minute by default: half of it, so that two workers fit. */
export const CALL_RATE: Pick<CallRate, 'callsPerSecond' | 'burst'> = { callsPerSecond: 12, burst: 60 };
