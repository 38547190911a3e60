/** Sizes of VMs, as a subscription sees them. */
export interface VmSize {
  name: string;
  family: string;
  cpus: number;
  memoryGb: number;
}

const FAMILIES: readonly (readonly [pattern: string, family: string, gbPerCpu: number, cpus: readonly number[]])[] = [
  ['Standard_B#als_v2', 'standardBasv2Family', 2, [2, 4, 8, 16, 32]],
  ['Standard_B#as_v2', 'standardBasv2Family', 4, [2, 4, 8, 16, 32]],
  ['Standard_B#ls_v2', 'standardBsv2Family', 2, [2, 4, 8, 16, 32]],
  ['Standard_B#s_v2', 'standardBsv2Family', 4, [2, 4, 8, 16, 32]],
  ['Standard_D#s_v5', 'standardDSv5Family', 4, [2, 4, 8, 16, 32, 48, 64, 96]],
  ['Standard_D#as_v5', 'standardDASv5Family', 4, [2, 4, 8, 16, 32, 48, 64, 96]],
  ['Standard_D#ls_v5', 'standardDLSv5Family', 2, [2, 4, 8, 16, 32, 48, 64, 96]],
  ['Standard_D#als_v6', 'standardDalv6Family', 2, [2, 4, 8, 16, 32, 48, 64, 96]],
  ['Standard_D#as_v6', 'standardDav6Family', 4, [2, 4, 8, 16, 32, 48, 64, 96]],
  ['Standard_F#s_v2', 'standardFSv2Family', 2, [2, 4, 8, 16, 32, 48, 64, 72]],
  ['Standard_E#s_v5', 'standardESv5Family', 8, [2, 4, 8, 16, 20, 32, 48, 64, 96]],
  ['Standard_E#as_v5', 'standardEASv5Family', 8, [2, 4, 8, 16, 20, 32, 48, 64, 96]],
  ['Standard_E#as_v6', 'standardEav6Family', 8, [2, 4, 8, 16, 20, 32, 48, 64, 96]],
];

const ODD: readonly VmSize[] = [
  { name: 'Standard_B1s', family: 'standardBSFamily', cpus: 1, memoryGb: 1 },
  { name: 'Standard_B1ms', family: 'standardBSFamily', cpus: 1, memoryGb: 2 },
  { name: 'Standard_B2s', family: 'standardBSFamily', cpus: 2, memoryGb: 4 },
  { name: 'Standard_B2ms', family: 'standardBSFamily', cpus: 2, memoryGb: 8 },
  { name: 'Standard_B2ats_v2', family: 'standardBasv2Family', cpus: 2, memoryGb: 1 },
  { name: 'Standard_B2ts_v2', family: 'standardBsv2Family', cpus: 2, memoryGb: 1 },
];

export const SIZES: ReadonlyMap<string, VmSize> = new Map(
  [
    ...ODD,
    ...FAMILIES.flatMap(([pattern, family, gbPerCpu, all]) =>
      all.map((cpus) => ({ name: pattern.replace('#', `${cpus}`), family, cpus, memoryGb: cpus * gbPerCpu })),
    ),
  ].map((size) => [size.name.toLowerCase(), size]),
);
