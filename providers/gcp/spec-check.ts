/** What a Compute Engine machine can be, checked before anything is asked of the API. */
import { refusedChoice, type GcpRules } from './rules.ts';
import type { CreateMachineRequest } from '../../domain/machine/provider.ts';
import { goesInClear } from '../../lib/network/plain-url.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { PROVIDER_NAME } from './capabilities.ts';
import { environmentFile } from '../cloud/container-script.ts';
import { containerOf } from '../cloud/container-image.ts';
import { refuseKeptDisk } from './machine/image-reference.ts';
import { LABEL } from '../cloud/resource-names.ts';

/** Compute Engine deletes an instance by itself after 30 seconds at the earliest and 120 days at the latest. */
const RUN_LIMIT_MAX_SECONDS = 120 * 24 * 3600;
const MAX_USER_LABELS = 64 - Object.keys(LABEL).length;

/** What the deployment allows, and the project that it makes machines in. */
export interface RuledPlace {
  project: string;
  /** Where machines fetch the program that gets their secrets; null where they have it. */
  vmServerUrl: string | null;
  rules: GcpRules;
}

/** Throws `badSpec`, naming the field, for what cannot be made. */
export function checkRequest({ spec, machineId, agentBootstrap }: CreateMachineRequest, place: RuledPlace): void {
  if (!isMachineId(machineId)) throw bad('machineId', `${JSON.stringify(machineId)} is none`);
  if (spec.provider !== PROVIDER_NAME) throw bad('provider', `is ${spec.provider}, this one is ${PROVIDER_NAME}`);
  if (spec.readiness.kind === 'agent' && agentBootstrap === null) {
    throw bad('readiness', 'agent needs the address of the API: set EPHEMERA_API_URL to one that machines reach');
  }
  if (spec.sealed !== undefined) refuseClear([agentBootstrap?.apiUrl, place.vmServerUrl]);
  checkPlace(spec);
  const refused = refusedChoice(spec, place.rules, place.project);
  if (refused !== undefined) throw bad(refused.field, refused.problem);
  if (Array.isArray(spec.egress) && spec.egress.length > 0) {
    throw bad('egress', 'a list of rules is for the firewall of your own network; use true or false');
  }
  if (containerOf(spec.image) !== null) environmentFile(spec.env);
  refuseKeptDisk(spec.image, place.project);
  checkLabels(spec);
  for (const { name, port } of spec.ports) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw bad(`ports.${name}`, `${port} is no port`);
  }
}

/** Throws `badSpec` for labels that no instance can have beside ours. */
export function checkLabels(spec: Pick<VmSpec, 'labels'>): void {
  const labels = Object.keys(spec.labels);
  if (labels.length > MAX_USER_LABELS) throw bad('labels', `at most ${MAX_USER_LABELS} fit`);
  const reserved = labels.find((key) => key.toLowerCase().startsWith('ephemera-'));
  if (reserved !== undefined) throw bad(`labels.${reserved}`, 'names that begin with ephemera- are ours');
}

function refuseClear(urls: readonly (string | null | undefined)[]): void {
  const clear = urls.find((url) => typeof url === 'string' && goesInClear(url));
  if (clear === undefined) return;
  const text = `secrets would travel in plain text to and from ${clear}; give the API TLS, and EPHEMERA_API_URL https://`;
  throw new ProviderError('insecureTransport', text);
}

export function isMachineId(text: string): boolean {
  return /^m-[A-Za-z0-9_-]{1,80}$/.test(text);
}

function checkPlace(spec: VmSpec): void {
  const zone = spec.zones.find((name) => !/^[a-z]+-[a-z]+\d+-[a-z]$/.test(name));
  if (zone !== undefined) throw bad('zones', `${JSON.stringify(zone)} is no zone; one looks like us-central1-a`);
  if (new Set(spec.zones).size < spec.zones.length) throw bad('zones', 'one is named twice');
  if (spec.diskGb !== null && (!Number.isInteger(spec.diskGb) || spec.diskGb < 10 || spec.diskGb > 65_536)) {
    throw bad('diskGb', 'must be 10 to 65536');
  }
  if (spec.maxLifetimeSeconds !== null && spec.maxLifetimeSeconds > RUN_LIMIT_MAX_SECONDS) {
    throw bad('maxLifetimeSeconds', `must be at most ${RUN_LIMIT_MAX_SECONDS}: Compute Engine enforces it too`);
  }
}

function bad(field: string, problem: string): ProviderError {
  return new ProviderError('badSpec', `field ${field}: ${problem}`);
}
