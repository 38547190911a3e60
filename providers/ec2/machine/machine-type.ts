import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';

/** The smallest first; `cpus` are virtual ones, of which a t3 instance has a part all the time. */
const TYPES = [
  { name: 't3.nano', cpus: 2, memoryMb: 512 },
  { name: 't3.micro', cpus: 2, memoryMb: 1024 },
  { name: 't3.small', cpus: 2, memoryMb: 2048 },
  { name: 't3.medium', cpus: 2, memoryMb: 4096 },
  { name: 't3.large', cpus: 2, memoryMb: 8192 },
  { name: 't3.xlarge', cpus: 4, memoryMb: 16_384 },
  { name: 't3.2xlarge', cpus: 8, memoryMb: 32_768 },
  { name: 'm6i.4xlarge', cpus: 16, memoryMb: 65_536 },
  { name: 'm6i.8xlarge', cpus: 32, memoryMb: 131_072 },
  { name: 'm6i.16xlarge', cpus: 64, memoryMb: 262_144 },
] as const;

export const TYPE_NAME = /^[a-z][a-z0-9-]{0,30}\.[a-z0-9-]{1,30}$/;

/**
 * The instance type of a spec: the one that it names, else the smallest of the table with that many CPUs and that much memory.
 * @throws ProviderError `badSpec`
 */
export function machineTypeOf({
  machineType,
  cpus,
  memoryMb,
}: Pick<VmSpec, 'machineType' | 'cpus' | 'memoryMb'>): string {
  if (machineType !== null) {
    if (TYPE_NAME.test(machineType)) return machineType;
    const text = `${JSON.stringify(machineType)} is no instance type; one looks like t3.small`;
    throw new ProviderError('badSpec', `field machineType: ${text}`);
  }
  const fitting = TYPES.find((type) => type.cpus >= cpus && type.memoryMb >= memoryMb);
  if (fitting !== undefined) return fitting.name;
  throw new ProviderError('badSpec', `field cpus: ${cpus} CPUs with ${memoryMb} MB need a machineType`);
}
