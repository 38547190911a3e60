/** What a local machine can be. The API refuses the same before anything is created; this is the last word. */
import type { CreateMachineRequest } from '../../domain/machine/provider.ts';
import { AGENT_LOCAL_PORT } from '../../domain/machine/local-machine.ts';
import { goesInClear } from '../../lib/network/plain-url.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { opensEgress } from '../../domain/network/egress.ts';
import type { PortSpec, VmSpec } from '../../domain/vm/spec.ts';
import { isMachineId } from '../host/files/machine-files.ts';
import { CAPABILITIES, PROVIDER_NAME } from './capabilities.ts';

const IMAGES = CAPABILITIES.images ?? [];

/** Throws `badSpec`, `imageUnknown` or `insecureTransport` for what a local machine cannot be. */
export function checkRequest(request: CreateMachineRequest, agentTransport: 'unix' | 'http'): void {
  const { spec, machineId, agentBootstrap } = request;
  if (!isMachineId(machineId)) throw bad(`the machine id ${JSON.stringify(machineId)} is none`);
  if (spec.provider !== PROVIDER_NAME) throw bad(`provider is ${spec.provider}, this one is ${PROVIDER_NAME}`);
  if (!IMAGES.includes(spec.image)) {
    throw new ProviderError('imageUnknown', `image ${spec.image} does not exist; use ${IMAGES.join(' or ')}`);
  }
  const unable = UNABLE.find(([asked]) => asked(spec));
  if (unable) throw bad(`${unable[1]}: drop it or use another provider`);
  spec.ports.forEach(checkPort);
  const numbers = new Set(spec.ports.map(({ port, protocol }) => `${protocol} ${port}`));
  if (numbers.size < spec.ports.length) throw bad('ports: two of one protocol have one number');
  if (agentTransport === 'http' && spec.sealed !== undefined && spec.readiness.kind !== 'agent') {
    throw bad('readiness: secretEnv and startupScript need readiness agent where agents report over HTTP');
  }
  if (agentTransport === 'http' && agentBootstrap === null) throw bad('agentBootstrap is needed for the HTTP link');
  if (spec.sealed !== undefined && agentBootstrap !== null && goesInClear(agentBootstrap.apiUrl)) {
    throw new ProviderError(
      'insecureTransport',
      `secrets would travel in plain text to and from ${agentBootstrap.apiUrl}`,
    );
  }
}

const UNABLE: readonly (readonly [(spec: VmSpec) => boolean, string])[] = [
  [(spec) => spec.userData !== undefined, 'userData: a local machine has no cloud-init'],
  [(spec) => spec.diskGb !== null, 'diskGb: a local machine has no disk of its own'],
  [(spec) => spec.machineType !== null, 'machineType: local machines have none'],
  [(spec) => spec.network !== null, 'network: local machines use the loopback network'],
  [(spec) => spec.externalIp, 'externalIp: local machines are reached from this computer alone'],
  [(spec) => spec.spot, 'spot: local machines are never taken away'],
  [(spec) => opensEgress(spec.egress), 'egress: local machines have no network of their own to open'],
];

function checkPort({ name, port, protocol }: PortSpec): void {
  if (!['tcp', 'udp'].includes(protocol)) throw bad(`ports.${name}: the protocol is neither tcp nor udp`);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw bad(`ports.${name}: ${port} is no port`);
  if (protocol === 'tcp' && port === AGENT_LOCAL_PORT) throw bad(`ports.${name}: ${port} is the agent's own port`);
}

function bad(message: string): ProviderError {
  return new ProviderError('badSpec', message);
}
