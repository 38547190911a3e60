/** What a provider can do, as plain data: the API refuses what it cannot do before anything is created. */
export interface ProviderCapabilities {
  /** Images the provider ships, or null when it takes any name. */
  images: readonly string[] | null;
  udpPorts: boolean;
  /** A machine gets no more than its `cpus` and `memoryMb`. */
  sizeEnforced: boolean;
  /** A connection to a port of the machine says that its app listens; QEMU's user network accepts before it asks the guest. */
  tcpReadiness: boolean;
  zones: boolean;
  /** Its machines run on hosts of ours, which have labels. */
  hostSelector: boolean;
  disk: boolean;
  machineType: boolean;
  network: boolean;
  externalIp: boolean;
  spot: boolean;
  egress: boolean;
  /** `egress` may be a list of what a machine reaches. */
  egressRules: boolean;
  /** Its machines can be stopped and started again with their disk. */
  stop: boolean;
  /** A stopped machine can be reset: the next start is as of a new one. */
  reset: boolean;
  /** VMs can be suspended and resumed with their memory. */
  suspend: boolean;
  /** VMs can be closed into an image and reopened from it. */
  close: boolean;
  startupScript: boolean;
  /** It can hand `userData` to cloud-init in its machines; whether an image has that is the image's. */
  userData: boolean;
  secretEnv: boolean;
  /** Machines of container images can be given `secretEnv` too, and be told later which VM they are. */
  containerSecrets: boolean;
  /** A machine can be made before it has a VM, and be told later which one it is. */
  warmMachines: boolean;
  /**
   * Sealed input is delivered before readiness `http`, `tcp` or `machine` is looked at. Where agents report over HTTP
   * nobody could hold such a machine back, so there it takes readiness `agent`.
   */
  sealedWithoutAgentReadiness: boolean;
}
