/**
 * What specs may ask of DigitalOcean in one deployment. The API refuses the rest before anything is created, and the provider
 * once more: the two may be configured apart.
 */
import type { VmSpec } from '../../domain/vm/spec.ts';
import { sizeOf } from './sizes.ts';

export const EXTERNAL_IP_RULES = ['never', 'allowed', 'reserved'] as const;

export interface DigitalOceanRules {
  /** VPCs that machines may be in, as `REGION=UUID`; the first of a region is that of specs without one. */
  vpcs: readonly string[];
  /** `reserved`: an address that is asked for is a reserved one. */
  externalIp: (typeof EXTERNAL_IP_RULES)[number];
  /** Slugs, or patterns in which `*` stands for anything. */
  sizes: readonly string[];
}

/** The rules of a deployment that sets none. */
export const DIGITALOCEAN_RULES: DigitalOceanRules = { vpcs: [], externalIp: 'never', sizes: ['s-*'] };

export interface RefusedChoice {
  field: 'network' | 'externalIp' | 'machineType';
  /** What is allowed instead, for people. */
  problem: string;
}

/**
 * The first choice of a spec that the rules do not allow.
 * @throws ProviderError `badSpec` for a size that cannot exist
 */
export function refusedChoice(spec: VmSpec, rules: DigitalOceanRules): RefusedChoice | undefined {
  const { network, externalIp } = spec;
  const allowed = rules.vpcs.map((text) => vpcOf(text).uuid);
  if (network !== null && !allowed.includes(network)) {
    const which = allowed.length === 0 ? 'none is set' : allowed.join(', ');
    return { field: 'network', problem: `${JSON.stringify(network)} is not allowed; allowed: ${which}` };
  }
  if (externalIp && rules.externalIp === 'never') {
    return { field: 'externalIp', problem: 'no machine of this deployment has an address on the internet' };
  }
  const size = sizeOf(spec);
  if (rules.sizes.some((pattern) => matches(size, pattern))) return undefined;
  return { field: 'machineType', problem: `${size} is not allowed; allowed: ${rules.sizes.join(', ')}` };
}

/** The VPC of a droplet in a region: null for the default one of the account, undefined where the spec's one is elsewhere. */
export function vpcIn(region: string, network: string | null, { vpcs }: DigitalOceanRules): string | null | undefined {
  const here = vpcs.map(vpcOf).filter((vpc) => vpc.region === region);
  if (network === null) return here[0]?.uuid ?? null;
  return here.find(({ uuid }) => uuid === network)?.uuid;
}

export const VPC = /^[a-z]{3}\d=[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function vpcOf(text: string): { region: string; uuid: string } {
  const [region = '', uuid = ''] = text.split('=');
  return { region, uuid };
}

function matches(name: string, pattern: string): boolean {
  return new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name);
}
