/**
 * What specs may ask of Azure in one deployment. The API refuses the rest before anything is created, and the provider once
 * more: the two may be configured apart.
 */
import type { VmSpec } from '../../domain/vm/spec.ts';
import { machineSizeOf } from './machine/machine-size.ts';
import { resourceId, sameId, type ResourceGroup } from './machine/resource-ids.ts';

export const EXTERNAL_IP_RULES = ['never', 'allowed'] as const;

export interface AzureRules {
  /** As written; the first that is in the location of a machine is that of specs without one. */
  subnets: readonly string[];
  externalIp: (typeof EXTERNAL_IP_RULES)[number];
  /** Names, or patterns in which `*` stands for anything. */
  machineTypes: readonly string[];
}

/** The rules of a deployment that sets none. */
export const AZURE_RULES: AzureRules = {
  subnets: ['ephemera/machines'],
  externalIp: 'never',
  machineTypes: ['Standard_B*_v2', 'Standard_D*s_v5'],
};

/** The part of a spec that the rules are about. */
export type AzureChoices = Pick<VmSpec, 'network' | 'externalIp' | 'machineType' | 'cpus' | 'memoryMb' | 'spot'>;

export interface RefusedChoice {
  field: 'network' | 'externalIp' | 'machineType';
  /** What is allowed instead, for people. */
  problem: string;
}

export interface Subnet {
  id: string;
  /** Its virtual network is there; null: wherever machines are made. */
  location: string | null;
}

/**
 * The first choice of a spec that the rules do not allow.
 * @throws ProviderError `badSpec` for a size that cannot exist
 */
export function refusedChoice(
  choices: AzureChoices,
  rules: AzureRules,
  group: ResourceGroup,
): RefusedChoice | undefined {
  const { network, externalIp } = choices;
  if (network !== null && allowedSubnets(network, rules, group).length === 0) {
    const problem = `${JSON.stringify(network)} is not allowed; allowed: ${rules.subnets.join(', ')}`;
    return { field: 'network', problem };
  }
  if (externalIp && rules.externalIp === 'never') {
    return { field: 'externalIp', problem: 'no machine of this deployment has an address on the internet' };
  }
  const size = machineSizeOf(choices);
  if (rules.machineTypes.some((pattern) => matches(size, pattern))) return undefined;
  return { field: 'machineType', problem: `${size} is not allowed; allowed: ${rules.machineTypes.join(', ')}` };
}

/** The subnet that a machine of a spec gets in a location; undefined where the deployment has none there. */
export function subnetIn(
  location: string,
  { network }: Pick<VmSpec, 'network'>,
  rules: AzureRules,
  group: ResourceGroup,
): string | undefined {
  const there = allowedSubnets(network, rules, group).find((one) => one.location === null || one.location === location);
  return there?.id;
}

/**
 * A subnet as settings and specs write it: `VNET/SUBNET`, `GROUP/VNET/SUBNET` or its whole id, in settings with `LOCATION=`
 * before it where machines are made in several. Undefined for what is none.
 */
export function subnetOf(written: string, group: ResourceGroup): Subnet | undefined {
  const [, location, path = ''] = /^(?:([a-z][a-z0-9]*)=)?(.*)$/.exec(written) ?? [];
  const id = WHOLE.test(path) ? path : shortId(path, group);
  return id === undefined ? undefined : { id, location: location ?? null };
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$/;
const WHOLE =
  /^\/subscriptions\/[0-9a-fA-F-]{36}\/resourceGroups\/[^/]+\/providers\/Microsoft\.Network\/virtualNetworks\/[^/]+\/subnets\/[^/]+$/i;

function shortId(path: string, group: ResourceGroup): string | undefined {
  const parts = path.split('/');
  if (parts.length < 2 || parts.length > 3 || !parts.every((part) => NAME.test(part))) return undefined;
  const [subnet = '', network = '', resourceGroup = group.resourceGroup] = [...parts].reverse();
  return `${resourceId({ ...group, resourceGroup }, 'Microsoft.Network/virtualNetworks', network)}/subnets/${subnet}`;
}

/** Null: all of them. */
function allowedSubnets(network: string | null, { subnets }: AzureRules, group: ResourceGroup): Subnet[] {
  const all = subnets.map((written) => subnetOf(written, group)).filter((subnet) => subnet !== undefined);
  if (network === null) return all;
  const wanted = subnetOf(network, group);
  return wanted === undefined ? [] : all.filter(({ id }) => sameId(id, wanted.id));
}

/** Azure takes sizes in any case. */
function matches(name: string, pattern: string): boolean {
  return new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 'i').test(name);
}
