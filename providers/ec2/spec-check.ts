/** What a machine of EC2 can be, checked before anything is asked of the API. */
import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { CreateMachineRequest } from '../../domain/machine/provider.ts';
import { containerOf } from '../cloud/container-image.ts';
import { environmentFile } from '../cloud/container-script.ts';
import { checkForAnyCloud } from '../cloud/request-check.ts';
import { PROVIDER_NAME } from './capabilities.ts';
import { imageQuestion } from './machine/image-reference.ts';
import { instanceTags, userDataOf, type InstanceDefaults } from './machine/run-instances.ts';
import { MOST_TAGS } from './machine/tags.ts';
import { impossibleChoice, refusedChoice } from './rules.ts';

const DISK_GB = { least: 1, most: 16_384 } as const;
/** Our own while a machine is stopped, and what its record may grow by when it gets another owner. */
const SPARE_TAGS = 8;

/** Throws `badSpec`, naming the field, for what cannot be made. */
export function checkRequest(request: CreateMachineRequest, defaults: InstanceDefaults): void {
  const { spec } = request;
  checkForAnyCloud(request, { provider: PROVIDER_NAME, vmServerUrl: defaults.vmServerUrl });
  const refused = impossibleChoice(spec) ?? refusedChoice(spec, defaults.rules);
  if (refused !== undefined) throw bad(refused.field, refused.problem);
  const zone = spec.zones.find((name) => !/^[a-z]{2}(-[a-z]+)+-\d+[a-z]$/.test(name));
  if (zone !== undefined) throw bad('zones', `${JSON.stringify(zone)} is no zone; one looks like eu-central-1a`);
  if (spec.network !== null) throw bad('network', 'subnets and security groups are of the settings alone');
  if (Array.isArray(spec.egress) && spec.egress.length > 0) {
    throw bad('egress', 'a list of rules is for security groups of your own; use true or false');
  }
  const { diskGb } = spec;
  if (diskGb !== null && (!Number.isInteger(diskGb) || diskGb < DISK_GB.least || diskGb > DISK_GB.most)) {
    throw bad('diskGb', `must be ${DISK_GB.least} to ${DISK_GB.most}`);
  }
  imageQuestion(spec.image, null);
  if (containerOf(spec.image) !== null) environmentFile(spec.env);
  checkTags(request, defaults);
  userDataOf(request, defaults);
}

function checkTags(request: CreateMachineRequest, defaults: InstanceDefaults): void {
  const labels = Object.keys(request.spec.labels);
  const reserved = labels.find((key) => /^(ephemera-|aws:|name$)/i.test(key));
  if (reserved !== undefined)
    throw bad(`labels.${reserved}`, 'Name and names that begin with ephemera- or aws: are not for labels');
  const room = MOST_TAGS - SPARE_TAGS - (instanceTags(request, defaults).length - labels.length);
  if (labels.length > room) throw bad('labels', `at most ${Math.max(room, 0)} fit beside what is kept of this machine`);
}

function bad(field: string, problem: string): ProviderError {
  return new ProviderError('badSpec', `field ${field}: ${problem}`);
}
