/** What a droplet can be, checked before anything is asked of the API. */
import type { CreateMachineRequest } from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { containerOf } from '../cloud/container-image.ts';
import { environmentFile } from '../cloud/container-script.ts';
import { checkForAnyCloud } from '../cloud/request-check.ts';
import { PROVIDER_NAME } from './capabilities.ts';
import { imageOf } from './image-reference.ts';
import { refusedChoice, type DigitalOceanRules } from './rules.ts';

export interface RuledPlace {
  /** Where machines fetch the program that gets their secrets; null where they have it. */
  vmServerUrl: string | null;
  rules: DigitalOceanRules;
}

/** DigitalOcean says of no limit of tags; more than this is nobody's intent. */
const MAX_LABELS = 40;

/** Throws `badSpec`, naming the field, for what cannot be made. */
export function checkRequest(request: CreateMachineRequest, place: RuledPlace): void {
  const { spec } = request;
  checkForAnyCloud(request, { provider: PROVIDER_NAME, vmServerUrl: place.vmServerUrl });
  checkChoices(spec);
  const refused = refusedChoice(spec, place.rules);
  if (refused !== undefined) throw bad(refused.field, refused.problem);
  if (containerOf(spec.image) !== null) environmentFile(spec.env);
}

/** Throws `badSpec` for what no rule of a deployment could allow. */
export function checkChoices(spec: VmSpec): void {
  const zone = spec.zones.find((name) => !/^[a-z]{3}\d$/.test(name));
  if (zone !== undefined) throw bad('zones', `${JSON.stringify(zone)} is no region; one looks like nyc3`);
  if (new Set(spec.zones).size < spec.zones.length) throw bad('zones', 'one is named twice');
  imageOf(spec.image);
  if (Array.isArray(spec.egress) && spec.egress.length > 0) {
    throw bad('egress', 'a list of rules is for the firewall of your own account; use true or false');
  }
  if (spec.spot) throw bad('spot', 'DigitalOcean has no spot machines');
  const labels = Object.keys(spec.labels);
  if (labels.length > MAX_LABELS) throw bad('labels', `at most ${MAX_LABELS} fit`);
  const reserved = labels.find((key) => key.toLowerCase().startsWith('ephemera-'));
  if (reserved !== undefined) throw bad(`labels.${reserved}`, 'names that begin with ephemera- are ours');
}

function bad(field: string, problem: string): ProviderError {
  return new ProviderError('badSpec', `field ${field}: ${problem}`);
}
