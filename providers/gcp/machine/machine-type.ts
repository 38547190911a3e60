import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';

/** The smallest first. The shared-core types have 2 virtual CPUs of which a part is theirs all the time. */
const PREDEFINED = [
  { name: 'e2-micro', cpus: 1, memoryMb: 1024 },
  { name: 'e2-small', cpus: 1, memoryMb: 2048 },
  { name: 'e2-medium', cpus: 1, memoryMb: 4096 },
  { name: 'e2-standard-2', cpus: 2, memoryMb: 8192 },
] as const;

const CUSTOM_MAX_CPUS = 32;
const CUSTOM_STEP_MB = 256;
const CUSTOM_MIN_MB_PER_CPU = 512;
const CUSTOM_MAX_MB_PER_CPU = 8192;

/**
 * The machine type of a spec: the one it names, else the smallest E2 type with that many CPUs and that much memory.
 * @throws ProviderError `badSpec`
 */
export function machineTypeOf({
  machineType,
  cpus,
  memoryMb,
}: Pick<VmSpec, 'machineType' | 'cpus' | 'memoryMb'>): string {
  if (machineType !== null) {
    if (/^[a-z][a-z0-9-]{0,62}$/.test(machineType)) return machineType;
    throw new ProviderError('badSpec', `field machineType: ${JSON.stringify(machineType)} is no machine type`);
  }
  const fitting = PREDEFINED.find((type) => type.cpus >= cpus && type.memoryMb >= memoryMb);
  if (fitting !== undefined) return fitting.name;
  // Custom E2 types have an even number of CPUs and whole steps of memory, each CPU with its least and most.
  const leastCpus = Math.max(cpus, Math.ceil(memoryMb / CUSTOM_MAX_MB_PER_CPU), 2);
  const evenCpus = Math.ceil(leastCpus / 2) * 2;
  if (evenCpus > CUSTOM_MAX_CPUS) {
    throw new ProviderError('badSpec', `field cpus: more than ${CUSTOM_MAX_CPUS} CPUs need a machineType`);
  }
  const memory = Math.max(Math.ceil(memoryMb / CUSTOM_STEP_MB) * CUSTOM_STEP_MB, evenCpus * CUSTOM_MIN_MB_PER_CPU);
  return `e2-custom-${evenCpus}-${memory}`;
}
