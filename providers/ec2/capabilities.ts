import type { CallRate } from '../../domain/capacity/call-budget.ts';
import type { ProviderCapabilities } from '../../domain/machine/provider-capabilities.ts';

export const PROVIDER_NAME = 'ec2';

export const CAPABILITIES: ProviderCapabilities = {
  images: null,
  udpPorts: true,
  sizeEnforced: true,
  tcpReadiness: true,
  zones: true,
  hostSelector: false,
  disk: true,
  machineType: true,
  // Subnets and security groups are of the settings alone.
  network: false,
  externalIp: true,
  spot: true,
  egress: true,
  egressRules: false,
  stop: true,
  // A root volume can be replaced while its instance runs alone, and keeps the old one: what was on it would stay.
  reset: false,
  // Whether an instance can hibernate is known to its image and type alone (docs/decisions/0096).
  suspend: false,
  close: true,
  startupScript: true,
  userData: true,
  secretEnv: true,
  containerSecrets: false,
  warmMachines: true,
  sealedWithoutAgentReadiness: false,
};

/** RunInstances is refilled with 2 a second, the others with more: what an account has in a region, with room for a second worker. */
export const CALL_RATE: Pick<CallRate, 'callsPerSecond' | 'burst'> = { callsPerSecond: 10, burst: 50 };
