/** What a Compute Engine machine can be, checked before anything is asked of the API. */
import { refusedChoice, type GcpRules } from './rules.ts';
import type { CreateMachineRequest } from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { PROVIDER_NAME } from './capabilities.ts';
import { environmentFile } from '../cloud/container-script.ts';
import { checkForAnyCloud } from '../cloud/request-check.ts';
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
export function checkRequest(request: CreateMachineRequest, place: RuledPlace): void {
  const { spec } = request;
  checkForAnyCloud(request, { provider: PROVIDER_NAME, vmServerUrl: place.vmServerUrl });
  checkPlace(spec);
  const refused = refusedChoice(spec, place.rules, place.project);
  if (refused !== undefined) throw bad(refused.field, refused.problem);
  if (Array.isArray(spec.egress) && spec.egress.length > 0) {
    throw bad('egress', 'a list of rules is for the firewall of your own network; use true or false');
  }
  if (containerOf(spec.image) !== null) environmentFile(spec.env);
  refuseKeptDisk(spec.image, place.project);
  checkLabels(spec);
}

/** Throws `badSpec` for labels that no instance can have beside ours. */
export function checkLabels(spec: Pick<VmSpec, 'labels'>): void {
  const labels = Object.keys(spec.labels);
  if (labels.length > MAX_USER_LABELS) throw bad('labels', `at most ${MAX_USER_LABELS} fit`);
  const reserved = labels.find((key) => key.toLowerCase().startsWith('ephemera-'));
  if (reserved !== undefined) throw bad(`labels.${reserved}`, 'names that begin with ephemera- are ours');
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
