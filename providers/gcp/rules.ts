/**
 * What specs may ask of Compute Engine in one deployment. The API refuses the rest before anything is created, and the
 * provider once more: the two may be configured apart.
 */
import { machineTypeOf } from './machine/machine-type.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';

export const EXTERNAL_IP_RULES = ['never', 'allowed'] as const;

export interface GcpRules {
  /** Networks and subnetworks by name or path; the first is that of specs without one. */
  networks: readonly string[];
  externalIp: (typeof EXTERNAL_IP_RULES)[number];
  /** Names, or patterns in which `*` stands for anything. */
  machineTypes: readonly string[];
}

/** The rules of a deployment that sets none. */
export const GCP_RULES: GcpRules = { networks: ['default'], externalIp: 'never', machineTypes: ['e2-*'] };

/** The part of a spec that the rules are about. */
export type GcpChoices = Pick<VmSpec, 'network' | 'externalIp' | 'machineType' | 'cpus' | 'memoryMb'>;

export interface RefusedChoice {
  field: 'network' | 'externalIp' | 'machineType';
  /** What is allowed instead, for people. */
  problem: string;
}

/**
 * The first choice of a spec that the rules do not allow. `project`: the one that machines are made in, where known.
 * @throws ProviderError `badSpec` for a machine type that cannot exist
 */
export function refusedChoice(choices: GcpChoices, rules: GcpRules, project: string | null): RefusedChoice | undefined {
  const { network, externalIp } = choices;
  const allowed = rules.networks.map((name) => networkPathOf(name, project));
  if (network !== null && !allowed.includes(networkPathOf(network, project) ?? '')) {
    const problem = `${JSON.stringify(network)} is not allowed; allowed: ${rules.networks.join(', ')}`;
    return { field: 'network', problem };
  }
  if (externalIp && rules.externalIp === 'never') {
    return { field: 'externalIp', problem: 'no machine of this deployment has an address on the internet' };
  }
  const type = machineTypeOf(choices);
  if (rules.machineTypes.some((pattern) => matches(type, pattern))) return undefined;
  return { field: 'machineType', problem: `${type} is not allowed; allowed: ${rules.machineTypes.join(', ')}` };
}

/** The network of a spec: the one that it names, else the first of the rules. */
export function networkOfSpec({ network }: Pick<VmSpec, 'network'>, { networks }: GcpRules): string {
  return network ?? networks[0] ?? 'default';
}

/**
 * One spelling for every way to write the same network or subnetwork: `global/networks/NAME`,
 * `regions/REGION/subnetworks/NAME`, with `projects/PROJECT/` before it where the text names another project than
 * `project`. Undefined for what names neither.
 */
export function networkPathOf(text: string, project: string | null = null): string | undefined {
  const full = text.replace(/^https:\/\/(?:www|compute)\.googleapis\.com\/compute\/v1\//, '');
  const own = `projects/${project ?? ''}/`;
  const path = full.startsWith(own) ? full.slice(own.length) : full;
  if (NAME.test(path)) return `global/networks/${path}`;
  return PATH.test(path) ? path : undefined;
}

const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const PATH =
  /^(projects\/[a-z]([-a-z0-9.:]*[a-z0-9])?\/)?(global\/networks|regions\/[a-z]+-[a-z]+\d+\/subnetworks)\/[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

function matches(name: string, pattern: string): boolean {
  return new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name);
}
