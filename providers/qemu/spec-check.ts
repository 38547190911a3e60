/** What a guest can be. The API refuses the same before anything is created; this is the last word. */
import { readFileSync } from 'node:fs';
import { AGENT_LOCAL_PORT } from '../../domain/machine/local-machine.ts';
import type { CreateMachineRequest } from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { opensEgress, parseEgressRule, privateBeyond } from '../../domain/network/egress.ts';
import type { Network } from '../../domain/network/ipv4.ts';
import type { PortSpec, VmSpec } from '../../domain/vm/spec.ts';
import { isMachineId } from '../host/files/machine-files.ts';
import { CONTAINER_PREFIX, PROVIDER_NAME } from './capabilities.ts';
import { asksForContainer, type ContainerImage } from './image/container-images.ts';
import { beyondText, refusalOfImage } from './spec-rules.ts';

/** QEMU itself takes more, but no host of ours has them. */
const MOST_CPUS = 255;

/** Throws `badSpec` for what a guest cannot be, whatever its image. */
export function checkRequest({ spec, machineId }: CreateMachineRequest): void {
  if (!isMachineId(machineId)) throw bad(`the machine id ${JSON.stringify(machineId)} is none`);
  if (spec.provider !== PROVIDER_NAME) throw bad(`provider is ${spec.provider}, this one is ${PROVIDER_NAME}`);
  const unable = UNABLE.find(([asked]) => asked(spec));
  if (unable) throw bad(`${unable[1]}: drop it or use another provider`);
  if (!Number.isInteger(spec.cpus) || spec.cpus < 1 || spec.cpus > MOST_CPUS) {
    throw bad(`cpus: ${spec.cpus} is no whole number from 1 to ${MOST_CPUS}`);
  }
  if (!Number.isInteger(spec.memoryMb)) throw bad(`memoryMb: ${spec.memoryMb} is no whole number`);
  const refused = refusalOfImage(spec);
  if (refused !== undefined) throw bad(`${refused.field}: ${refused.problem}`);
  if (spec.diskGb !== null && !(Number.isInteger(spec.diskGb) && spec.diskGb > 0)) {
    throw bad(`diskGb: ${spec.diskGb} is no whole number above 0`);
  }
  for (const rule of Array.isArray(spec.egress) ? spec.egress : []) {
    const parsed = parseEgressRule(rule);
    if (typeof parsed === 'string') throw bad(`egress: ${parsed}`);
  }
  spec.ports.forEach(checkPort);
  const ports = spec.ports.map(({ protocol, port }) => `${protocol} ${port}`);
  if (new Set(ports).size < ports.length) throw bad('ports: two have one number and protocol');
}

/** Throws `networkUnavailable` for what a guest on the user network of QEMU cannot have. `why`: it has no other. */
export function refuseNetworked({ egress, ports }: Pick<VmSpec, 'egress' | 'ports'>, why: string): void {
  const wanted = [
    ...(opensEgress(egress) ? ['egress'] : []),
    ...(ports.some(({ protocol }) => protocol === 'udp') ? ['UDP ports'] : []),
  ];
  if (wanted.length === 0) return;
  throw new ProviderError(
    'networkUnavailable',
    `${wanted.join(' and ')}: a guest of this host has no network of its own: ${why}`,
  );
}

/** Throws `badSpec` for a private network that this host's guests do not reach. */
export function refuseBeyond({ egress }: Pick<VmSpec, 'egress'>, allowed: readonly Network[]): void {
  const rule = privateBeyond(egress, allowed);
  if (rule !== undefined) throw bad(`egress: ${beyondText(rule)}`);
}

/** Throws `badSpec` for what a guest of a container image cannot be. */
export function checkContainer(spec: VmSpec, container: ContainerImage, takesUdp: boolean): void {
  if (spec.userData !== undefined) throw bad(`userData: the container image ${container.name} has no cloud-init`);
  if (spec.sealed?.startupScript === true) {
    throw bad(
      `startupScript: the container image ${container.name} starts its own program: build what it does into it`,
    );
  }
  portsOf(spec, container, takesUdp).forEach(checkPort);
}

/** Throws `imageUnknown` where the spec means a container image, and its name stands for a disk image. */
export function refuseContainerName({ image }: VmSpec): void {
  if (!asksForContainer(image)) return;
  const name = image.slice(CONTAINER_PREFIX.length);
  throw new ProviderError(
    'imageUnknown',
    `${name} is a disk image and no container image: name it without ${CONTAINER_PREFIX}`,
  );
}

/** The ports of a machine: those of the spec, or without any those that its container image says and that work here. */
export function portsOf({ ports }: VmSpec, container: ContainerImage | undefined, takesUdp: boolean): PortSpec[] {
  if (ports.length > 0 || container === undefined) return ports;
  return container.ports.filter(({ protocol }) => protocol === 'tcp' || takesUdp);
}

const UNABLE: readonly (readonly [(spec: VmSpec) => boolean, string])[] = [
  [(spec) => spec.machineType !== null, 'machineType: use cpus and memoryMb'],
  [(spec) => spec.network !== null, 'network: a guest has the user network alone'],
  [(spec) => spec.externalIp, 'externalIp: a guest has the address that its host gives it'],
  [(spec) => spec.spot, 'spot: a guest is never taken away'],
];

function checkPort({ name, port, protocol }: PortSpec): void {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw bad(`ports.${name}: ${port} is no port`);
  // It becomes a word of a command to QEMU.
  if (!['tcp', 'udp'].includes(protocol)) throw bad(`ports.${name}: the protocol is neither tcp nor udp`);
  if (protocol === 'tcp' && port === AGENT_LOCAL_PORT) throw bad(`ports.${name}: ${port} is the agent's own port`);
  const lowest = lowestPort();
  if (port < lowest) throw bad(`ports.${name}: the host forwards no port below ${lowest}`);
}

/** The lowest port that a program without rights may listen on, as QEMU is one. */
function lowestPort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  } catch {
    return 1024;
  }
}

function bad(message: string): ProviderError {
  return new ProviderError('badSpec', message);
}
