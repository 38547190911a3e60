/** What a machine on Azure can be, checked before anything is asked of it. */
import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { CreateMachineRequest } from '../../domain/machine/provider.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { containerOf } from '../cloud/container-image.ts';
import { environmentFile } from '../cloud/container-script.ts';
import { checkForAnyCloud } from '../cloud/request-check.ts';
import { PROVIDER_NAME } from './capabilities.ts';
import { refuseKeptDisk } from './machine/image-reference.ts';
import type { MachineDefaults } from './machine/machine-resources.ts';
import { MOST_USER_LABELS } from './machine/machine-tags.ts';
import { placeOf } from './place.ts';
import { refusedChoice, subnetIn } from './rules.ts';

const DISK_GB = { least: 1, most: 4095 } as const;

/** Throws `badSpec`, naming the field, for what cannot be made. */
export function checkRequest(
  request: CreateMachineRequest,
  defaults: MachineDefaults & { vmServerUrl: string | null },
): void {
  const { spec } = request;
  checkForAnyCloud(request, { provider: PROVIDER_NAME, vmServerUrl: defaults.vmServerUrl });
  checkPlaces(spec, defaults);
  const refused = refusedChoice(spec, defaults.rules, defaults);
  if (refused !== undefined) throw bad(refused.field, refused.problem);
  if (Array.isArray(spec.egress) && spec.egress.length > 0) {
    throw bad('egress', 'a list of rules is for network security groups of your own; use true or false');
  }
  const { diskGb } = spec;
  if (diskGb !== null && (!Number.isInteger(diskGb) || diskGb < DISK_GB.least || diskGb > DISK_GB.most)) {
    throw bad('diskGb', `must be ${DISK_GB.least} to ${DISK_GB.most}`);
  }
  if (containerOf(spec.image) !== null) environmentFile(spec.env);
  refuseKeptDisk(spec.image, defaults, defaults.image);
  checkLabels(spec);
}

/** Throws `badSpec` for labels that no machine can have beside ours. */
export function checkLabels({ labels }: Pick<VmSpec, 'labels'>): void {
  const names = Object.keys(labels);
  if (names.length > MOST_USER_LABELS) throw bad('labels', `at most ${MOST_USER_LABELS} fit`);
  const reserved = names.find((key) => /^(ephemera-|microsoft|azure|windows)/i.test(key));
  if (reserved !== undefined) {
    throw bad(`labels.${reserved}`, 'names that begin with ephemera-, microsoft, azure or windows are not for labels');
  }
}

function checkPlaces({ zones, network }: VmSpec, defaults: MachineDefaults): void {
  if (new Set(zones).size < zones.length) throw bad('zones', 'one is named twice');
  for (const zone of zones) {
    const location = placeOf(zone)?.location;
    if (location === undefined) {
      throw bad('zones', `${JSON.stringify(zone)} is no location; one looks like eastus, or eastus-2 for a zone of it`);
    }
    if (subnetIn(location, { network }, defaults.rules, defaults) === undefined) {
      throw bad('zones', `no subnet of this deployment is in ${location}`);
    }
  }
}

function bad(field: string, problem: string): ProviderError {
  return new ProviderError('badSpec', `field ${field}: ${problem}`);
}
