import { PROGRAM_IMAGE } from '../../domain/machine/local-machine.ts';
import type { ProviderCapabilities } from '../../domain/machine/provider-capabilities.ts';

export const PROVIDER_NAME = 'local';

export const CAPABILITIES: ProviderCapabilities = {
  images: ['vm-server', PROGRAM_IMAGE],
  udpPorts: true,
  sizeEnforced: false,
  tcpReadiness: true,
  zones: true,
  hostSelector: true,
  disk: false,
  machineType: false,
  network: false,
  externalIp: false,
  spot: false,
  egress: false,
  egressRules: false,
  stop: true,
  reset: true,
  suspend: true,
  close: true,
  startupScript: true,
  userData: false,
  secretEnv: true,
  containerSecrets: false,
  warmMachines: true,
  sealedWithoutAgentReadiness: true,
};
