import { opensEgress, privateBeyond } from '../../domain/network/egress.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import type { SpecRefusal } from '../descriptor.ts';
import { egressNetworksOf, type QemuSettings } from './settings.ts';
import { BUILT_IN_IMAGE, CONTAINER_PREFIX } from './capabilities.ts';

/** What a spec says of a guest that its image cannot do; undefined where it can. */
export function refusalOf(
  spec: Pick<VmSpec, 'image' | 'userData' | 'egress' | 'ports'>,
  own: Pick<QemuSettings, 'network' | 'egressNetworks'>,
): SpecRefusal | undefined {
  return refusalOfImage(spec) ?? refusalOfNetwork(spec, own) ?? refusalOfEgress(spec, own);
}

/** A private network is the operator's, not that of whoever creates a VM. */
function refusalOfEgress(
  { egress }: Pick<VmSpec, 'egress'>,
  own: Pick<QemuSettings, 'egressNetworks'>,
): SpecRefusal | undefined {
  const rule = privateBeyond(egress, egressNetworksOf(own));
  return rule === undefined ? undefined : { code: 'optionNotAllowed', field: 'egress', problem: beyondText(rule) };
}

/** Why a rule opens nothing here. */
export function beyondText(rule: string): string {
  return `${rule} lies in a private network, and this deployment lets guests reach none that EPHEMERA_QEMU_EGRESS_NETWORKS does not name`;
}

/** Only where the settings say that no guest has a network of its own; else its host has the last word. */
function refusalOfNetwork(
  { egress, ports }: Pick<VmSpec, 'egress' | 'ports'>,
  { network }: Pick<QemuSettings, 'network'>,
): SpecRefusal | undefined {
  if (network !== 'user') return undefined;
  const why = 'guests have the user network of QEMU here (EPHEMERA_QEMU_NETWORK; npm run doctor says what is missing)';
  if (opensEgress(egress)) return { code: 'optionNotAllowed', field: 'egress', problem: `nothing is reached: ${why}` };
  if (!ports.some(({ protocol }) => protocol === 'udp')) return undefined;
  return { code: 'optionNotAllowed', field: 'ports', problem: `UDP ports get no datagrams: ${why}` };
}

export function refusalOfImage({ image, userData }: Pick<VmSpec, 'image' | 'userData'>): SpecRefusal | undefined {
  if (userData === undefined || (image !== BUILT_IN_IMAGE && !image.startsWith(CONTAINER_PREFIX))) return undefined;
  const problem = image.startsWith(CONTAINER_PREFIX)
    ? 'a container image has no cloud-init; use env and secretEnv'
    : `the image ${BUILT_IN_IMAGE} has no cloud-init; use an image of your own (npm run image -- add), or startupScript`;
  return { code: 'unsupportedOption', field: 'userData', problem };
}
