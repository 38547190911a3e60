/** What a local machine can be. The API refuses the same before anything is created; this is the last word. */
import type { CreateMachineRequest } from '../../domain/machine-provider.ts';
import { AGENT_LOCAL_PORT } from '../../domain/local-machine.ts';
import { PROVIDER_CAPABILITIES } from '../../domain/provider-capabilities.ts';
import { goesInClear } from '../../domain/plain-url.ts';
import { ProviderError } from '../../domain/provider-error.ts';
import type { PortSpec, VmSpec } from '../../domain/vm-spec.ts';
import { isMachineId } from '../host/machine-files.ts';

export const PROVIDER_NAME = 'local';
const IMAGES = PROVIDER_CAPABILITIES[PROVIDER_NAME]?.images ?? [];

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
  if (new Set(spec.ports.map(({ port }) => port)).size < spec.ports.length) throw bad('ports: two have one number');
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
  [(spec) => spec.zones.length > 0, 'zones: local machines have none'],
  [(spec) => spec.diskGb !== null, 'diskGb: a local machine has no disk of its own'],
  [(spec) => spec.machineType !== null, 'machineType: local machines have none'],
  [(spec) => spec.network !== null, 'network: local machines use the loopback network'],
  [(spec) => spec.externalIp, 'externalIp: local machines are reached from this computer alone'],
  [(spec) => spec.spot, 'spot: local machines are never taken away'],
  [(spec) => spec.egress, 'egress: local machines have no network of their own to open'],
];

function checkPort({ name, port, protocol }: PortSpec): void {
  if (protocol !== 'tcp') throw bad(`ports.${name}: local machines take TCP only`);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw bad(`ports.${name}: ${port} is no port`);
  if (port === AGENT_LOCAL_PORT) throw bad(`ports.${name}: ${port} is the agent's own port`);
}

function bad(message: string): ProviderError {
  return new ProviderError('badSpec', message);
}
