/** Sizes of droplets that a spec gets which names none, and what they have. */
import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';

interface DropletSize {
  slug: string;
  cpus: number;
  memoryMb: number;
  diskGb: number;
}

/** Basic droplets with shared processors, the cheapest first. */
export const SIZES: readonly DropletSize[] = [
  { slug: 's-1vcpu-512mb-10gb', cpus: 1, memoryMb: 512, diskGb: 10 },
  { slug: 's-1vcpu-1gb', cpus: 1, memoryMb: 1024, diskGb: 25 },
  { slug: 's-1vcpu-2gb', cpus: 1, memoryMb: 2048, diskGb: 50 },
  { slug: 's-2vcpu-2gb', cpus: 2, memoryMb: 2048, diskGb: 60 },
  { slug: 's-2vcpu-4gb', cpus: 2, memoryMb: 4096, diskGb: 80 },
  { slug: 's-4vcpu-8gb', cpus: 4, memoryMb: 8192, diskGb: 160 },
  { slug: 's-8vcpu-16gb', cpus: 8, memoryMb: 16_384, diskGb: 320 },
];

export type SizeChoice = Pick<VmSpec, 'machineType' | 'cpus' | 'memoryMb' | 'diskGb'>;

/**
 * The size of a spec: the one it names, else the first with that many processors, that much memory and a disk of at least
 * `diskGb`. `imageGb`: what an image of a session needs.
 * @throws ProviderError `badSpec`
 */
export function sizeOf({ machineType, cpus, memoryMb, diskGb }: SizeChoice, imageGb = 0): string {
  const leastGb = Math.max(diskGb ?? 0, imageGb);
  if (machineType !== null) {
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(machineType)) {
      throw badSpec('machineType', `${JSON.stringify(machineType)} is no size`);
    }
    const known = SIZES.find(({ slug }) => slug === machineType);
    if (diskGb !== null && (known === undefined || known.diskGb < diskGb)) {
      throw badSpec('diskGb', `the disk comes with the size ${machineType}; leave one of the two out`);
    }
    return machineType;
  }
  const fitting = SIZES.find((size) => size.cpus >= cpus && size.memoryMb >= memoryMb && size.diskGb >= leastGb);
  if (fitting !== undefined) return fitting.slug;
  const { cpus: most, memoryMb: mostMb, diskGb: mostGb } = SIZES.at(-1) as DropletSize;
  const field = cpus > most ? 'cpus' : memoryMb > mostMb ? 'memoryMb' : 'diskGb';
  throw badSpec(field, `more than ${most} processors, ${mostMb} MiB or a disk of ${mostGb} GB need a machineType`);
}

function badSpec(field: string, problem: string): ProviderError {
  return new ProviderError('badSpec', `field ${field}: ${problem}`);
}
