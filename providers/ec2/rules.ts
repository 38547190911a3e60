/**
 * What specs may ask of EC2 in one deployment. The API refuses the rest before anything is created, and the provider once
 * more: the two may be configured apart.
 */
import { opensEgress } from '../../domain/network/egress.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { machineTypeOf } from './machine/machine-type.ts';

export const EXTERNAL_IP_RULES = ['never', 'allowed'] as const;

export interface Ec2Rules {
  /** Subnet of each zone, in the order to try; empty: the default ones of the account, for servers of one's own. */
  subnets: Readonly<Record<string, string>>;
  /** Of every machine. */
  securityGroups: readonly string[];
  /** Of machines that reach the internet, beside those. */
  egressSecurityGroups: readonly string[];
  externalIp: (typeof EXTERNAL_IP_RULES)[number];
  /** Names, or patterns in which `*` stands for anything. */
  machineTypes: readonly string[];
}

/** The rules of a deployment that sets none. */
export const EC2_RULES: Ec2Rules = {
  subnets: {},
  securityGroups: [],
  egressSecurityGroups: [],
  externalIp: 'never',
  machineTypes: ['t3.*'],
};

export interface RefusedChoice {
  field: 'zones' | 'externalIp' | 'machineType' | 'egress' | 'idle' | 'spot';
  /** What is allowed instead, for people. */
  problem: string;
}

type Ec2Choices = Pick<VmSpec, 'zones' | 'externalIp' | 'machineType' | 'cpus' | 'memoryMb' | 'egress'>;

/**
 * The first choice of a spec that the rules do not allow.
 * @throws ProviderError `badSpec` for an instance type that cannot exist
 */
export function refusedChoice(choices: Ec2Choices, rules: Ec2Rules): RefusedChoice | undefined {
  const zones = Object.keys(rules.subnets);
  const unknown = choices.zones.find((zone) => zones.length > 0 && !zones.includes(zone));
  if (unknown !== undefined) {
    const problem = `no subnet of ${JSON.stringify(unknown)} is set; zones with one: ${zones.join(', ')}`;
    return { field: 'zones', problem };
  }
  if (choices.externalIp && rules.externalIp === 'never') {
    return { field: 'externalIp', problem: 'no machine of this deployment has an address on the internet' };
  }
  const { securityGroups, egressSecurityGroups } = rules;
  if (opensEgress(choices.egress) && securityGroups.length > 0 && egressSecurityGroups.length === 0) {
    const problem =
      'no machine of this deployment reaches the internet: EPHEMERA_EC2_EGRESS_SECURITY_GROUPS is not set';
    return { field: 'egress', problem };
  }
  const type = machineTypeOf(choices);
  if (rules.machineTypes.some((pattern) => matches(type, pattern))) return undefined;
  return { field: 'machineType', problem: `${type} is not allowed; allowed: ${rules.machineTypes.join(', ')}` };
}

/** What no setting would allow: EC2 stops no spot instance that was asked for once, which ours are. */
export function impossibleChoice({ spot, idle }: Pick<VmSpec, 'spot' | 'idle'>): RefusedChoice | undefined {
  if (!spot || (idle.action !== 'stop' && idle.action !== 'close')) return undefined;
  return { field: 'idle', problem: `a spot machine of EC2 cannot be stopped, so idle.action cannot be ${idle.action}` };
}

function matches(name: string, pattern: string): boolean {
  return new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(name);
}
