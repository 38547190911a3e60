import type { CallRate } from '../../domain/capacity/call-budget.ts';
import type { ProviderCapabilities } from '../../domain/machine/provider-capabilities.ts';

export const PROVIDER_NAME = 'azure';

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
  reset: false,
  // Hibernation takes an image and a size that are made for it, and a disk with room for the memory.
  suspend: false,
  close: true,
  startupScript: true,
  userData: true,
  secretEnv: true,
  containerSecrets: false,
  warmMachines: true,
  sealedWithoutAgentReadiness: false,
};

/** Azure Resource Manager refills ten writes and ten deletes a second for each principal and subscription, after a burst of 200. */
export const CALL_RATE: Pick<CallRate, 'callsPerSecond' | 'burst'> = { callsPerSecond: 10, burst: 100 };
