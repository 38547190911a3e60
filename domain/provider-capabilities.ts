/** What each provider can do, as plain data: the API refuses what a provider cannot do before anything is created. */
export interface ProviderCapabilities {
  /** Images the provider ships, or null when it takes any name. */
  images: readonly string[] | null;
  udpPorts: boolean;
  /** A connection to a port of the machine says that its app listens; QEMU's user network accepts before it asks the guest. */
  tcpReadiness: boolean;
  zones: boolean;
  disk: boolean;
  machineType: boolean;
  network: boolean;
  externalIp: boolean;
  spot: boolean;
  egress: boolean;
  startupScript: boolean;
  secretEnv: boolean;
  /**
   * Sealed input is delivered before readiness `http`, `tcp` or `machine` is looked at. Where agents report over HTTP
   * nobody could hold such a machine back, so there it takes readiness `agent`.
   */
  sealedWithoutAgentReadiness: boolean;
}

export const PROVIDER_CAPABILITIES: Readonly<Record<string, ProviderCapabilities>> = {
  local: {
    images: ['vm-server'],
    udpPorts: false,
    tcpReadiness: true,
    zones: false,
    disk: false,
    machineType: false,
    network: false,
    externalIp: false,
    spot: false,
    egress: false,
    startupScript: true,
    secretEnv: true,
    sealedWithoutAgentReadiness: true,
  },
  qemu: {
    images: null,
    udpPorts: false,
    tcpReadiness: false,
    zones: false,
    disk: true,
    machineType: false,
    network: false,
    externalIp: false,
    spot: false,
    egress: false,
    startupScript: true,
    secretEnv: true,
    sealedWithoutAgentReadiness: true,
  },
  gcp: {
    images: null,
    udpPorts: true,
    tcpReadiness: true,
    zones: true,
    disk: true,
    machineType: true,
    network: true,
    externalIp: true,
    spot: true,
    egress: true,
    startupScript: true,
    secretEnv: true,
    sealedWithoutAgentReadiness: false,
  },
};
