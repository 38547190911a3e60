/** What each capability of a provider means, for people: a few words, and what a VM gets by it. */
import type { ProviderCapabilities } from './provider-capabilities.ts';

export const CAPABILITY_TEXTS: Readonly<Record<keyof ProviderCapabilities, string>> = {
  images: 'Images that come with it; _any_: it takes any name that it finds.',
  udpPorts: 'Ports that take datagrams.',
  sizeEnforced: 'A machine gets no more than its `cpus` and `memoryMb`.',
  tcpReadiness: 'Readiness `tcp`: a connection to a port of the machine says that its app listens.',
  zones: '`zones`: places to try in order.',
  hostSelector: '`hostSelector`: its machines run on hosts of yours, which have labels.',
  disk: '`diskGb`: a disk of the size that a spec asks for.',
  machineType: '`machineType`: types of the cloud, by name.',
  network: '`network`: the network or subnetwork that a spec names among those that are allowed.',
  externalIp: '`externalIp`: an address on the internet, where a spec asks for one.',
  spot: '`spot`: machines that may be taken back, for a lower price.',
  egress: '`egress`: a spec says whether a machine reaches the internet.',
  egressRules: '`egress` as a list of what a machine reaches.',
  stop: 'Stop and start: a stopped machine keeps its disk.',
  reset: '`reuse: empty`: a stopped machine is made anew in its place.',
  suspend: 'Suspend and resume, with the memory kept.',
  close: 'Close into an image, reopen from it, and snapshots.',
  startupScript: '`startupScript`, which the machine gets once it has proved itself.',
  userData: '`userData` for cloud-init in the machine.',
  secretEnv: '`secretEnv`: variables that nobody but the machine reads.',
  containerSecrets: '`secretEnv` and pools for container images too.',
  warmMachines: '`warm`: pools of machines that wait for a VM.',
  sealedWithoutAgentReadiness: 'Secrets and scripts also with readiness `http`, `tcp` or `machine`.',
};
