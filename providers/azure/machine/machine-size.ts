import { ProviderError } from '../../../domain/machine/provider-error.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';

export interface MachineSize {
  name: string;
  cpus: number;
  memoryMb: number;
}

/** What machines get whose spec names no type, the cheapest first. They run at part of their speed until they are busy. */
export const BURSTABLE_SIZES: readonly MachineSize[] = [
  { name: 'Standard_B2ts_v2', cpus: 2, memoryMb: 1024 },
  { name: 'Standard_B2ls_v2', cpus: 2, memoryMb: 4096 },
  { name: 'Standard_B2s_v2', cpus: 2, memoryMb: 8192 },
  { name: 'Standard_B4ls_v2', cpus: 4, memoryMb: 8192 },
  { name: 'Standard_B4s_v2', cpus: 4, memoryMb: 16_384 },
  { name: 'Standard_B8ls_v2', cpus: 8, memoryMb: 16_384 },
  { name: 'Standard_B8s_v2', cpus: 8, memoryMb: 32_768 },
  { name: 'Standard_B16ls_v2', cpus: 16, memoryMb: 32_768 },
  { name: 'Standard_B16s_v2', cpus: 16, memoryMb: 65_536 },
  { name: 'Standard_B32ls_v2', cpus: 32, memoryMb: 65_536 },
  { name: 'Standard_B32s_v2', cpus: 32, memoryMb: 131_072 },
];

/** Of spot machines: Azure has no burstable ones. */
export const STEADY_SIZES: readonly MachineSize[] = [
  { name: 'Standard_D2ls_v5', cpus: 2, memoryMb: 4096 },
  { name: 'Standard_D2s_v5', cpus: 2, memoryMb: 8192 },
  { name: 'Standard_D4ls_v5', cpus: 4, memoryMb: 8192 },
  { name: 'Standard_D4s_v5', cpus: 4, memoryMb: 16_384 },
  { name: 'Standard_D8ls_v5', cpus: 8, memoryMb: 16_384 },
  { name: 'Standard_D8s_v5', cpus: 8, memoryMb: 32_768 },
  { name: 'Standard_D16ls_v5', cpus: 16, memoryMb: 32_768 },
  { name: 'Standard_D16s_v5', cpus: 16, memoryMb: 65_536 },
  { name: 'Standard_D32ls_v5', cpus: 32, memoryMb: 65_536 },
  { name: 'Standard_D32s_v5', cpus: 32, memoryMb: 131_072 },
];

/** What the size of a spec is made from. */
export type SizeChoice = Pick<VmSpec, 'machineType' | 'cpus' | 'memoryMb' | 'spot'>;

/**
 * The VM size of a spec: the one that it names, else the first of the table with that many CPUs and that much memory.
 * @throws ProviderError `badSpec`
 */
export function machineSizeOf({ machineType, cpus, memoryMb, spot }: SizeChoice): string {
  if (machineType !== null) {
    if (/^[A-Za-z][A-Za-z0-9_-]{0,62}$/.test(machineType)) return machineType;
    throw new ProviderError('badSpec', `field machineType: ${JSON.stringify(machineType)} is no VM size`);
  }
  const sizes = spot ? STEADY_SIZES : BURSTABLE_SIZES;
  const fitting = sizes.find((size) => size.cpus >= cpus && size.memoryMb >= memoryMb);
  if (fitting !== undefined) return fitting.name;
  throw new ProviderError('badSpec', `field cpus: ${cpus} CPUs with ${memoryMb} MB need a machineType`);
}
