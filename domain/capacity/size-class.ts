/**
 * Size classes of machines, pure. Creates wait in a queue for each class, so that a host with room for small machines
 * alone need not take a big one to find out. A class is a hint: what a machine takes is counted exactly on its host.
 */
import type { RoomSize } from './room.ts';

/** From small to big; part of queue names, so never renamed. `s<n>`: up to `n` units, each class twice the one before. */
export const SIZE_CLASSES = ['s1', 's2', 's4', 's8', 's16', 's32', 'huge'] as const;
export type SizeClass = (typeof SIZE_CLASSES)[number];

/** One unit of size: the proportions of a common machine, so that none of the three always decides. */
export const UNIT: RoomSize = { cpus: 1, memoryMb: 2048, diskGb: 50 };

/** The class of a machine: by whichever of cpus, memory and disk it asks most units of. */
export function sizeClassOf({
  cpus,
  memoryMb,
  diskGb,
}: Omit<RoomSize, 'diskGb'> & { diskGb: number | null }): SizeClass {
  const units = Math.max(cpus / UNIT.cpus, memoryMb / UNIT.memoryMb, (diskGb ?? 0) / UNIT.diskGb);
  const index = Math.ceil(Math.log2(Math.max(1, units)));
  return SIZE_CLASSES[Math.min(index, SIZE_CLASSES.length - 1)] ?? 'huge';
}
