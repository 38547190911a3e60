/** What is wrong with a request whatever the cloud. */
import type { CreateMachineRequest } from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { goesInClear } from '../../lib/network/plain-url.ts';
import { isMachineId } from './cloud-machine.ts';

export interface RequestedOf {
  /** As specs have it. */
  provider: string;
  /** Where machines fetch the program that gets their secrets; null where they have it. */
  vmServerUrl: string | null;
}

/** @throws ProviderError `badSpec`, naming the field, or `insecureTransport` */
export function checkForAnyCloud(request: CreateMachineRequest, { provider, vmServerUrl }: RequestedOf): void {
  const { spec, machineId, agentBootstrap } = request;
  if (!isMachineId(machineId)) throw bad('machineId', `${JSON.stringify(machineId)} is none`);
  if (spec.provider !== provider) throw bad('provider', `is ${spec.provider}, this one is ${provider}`);
  if (spec.readiness.kind === 'agent' && agentBootstrap === null) {
    throw bad('readiness', 'agent needs the address of the API: set EPHEMERA_API_URL to one that machines reach');
  }
  for (const { name, port } of spec.ports) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw bad(`ports.${name}`, `${port} is no port`);
  }
  if (spec.sealed === undefined) return;
  const clear = [agentBootstrap?.apiUrl, vmServerUrl].find((url) => typeof url === 'string' && goesInClear(url));
  if (clear === undefined) return;
  const text = `secrets would travel in plain text to and from ${clear}; give the API TLS, and EPHEMERA_API_URL https://`;
  throw new ProviderError('insecureTransport', text);
}

function bad(field: string, problem: string): ProviderError {
  return new ProviderError('badSpec', `field ${field}: ${problem}`);
}
