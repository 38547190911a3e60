import type { ProviderCapabilities } from '../../domain/machine/provider-capabilities.ts';

export const PROVIDER_NAME = 'qemu';

/** The image that `npm run image` builds; no other can have its name. */
export const BUILT_IN_IMAGE = 'vm-server';

/** Says in a spec that a container image is meant, as for providers that pull it from a registry. */
export const CONTAINER_PREFIX = 'container:';

export const CAPABILITIES: ProviderCapabilities = {
  images: null,
  udpPorts: true,
  sizeEnforced: true,
  tcpReadiness: false,
  zones: true,
  hostSelector: true,
  disk: true,
  machineType: false,
  network: false,
  externalIp: false,
  spot: false,
  egress: true,
  egressRules: true,
  stop: true,
  reset: true,
  suspend: false,
  close: true,
  startupScript: true,
  userData: true,
  secretEnv: true,
  containerSecrets: true,
  warmMachines: true,
  sealedWithoutAgentReadiness: true,
};
