/** Room on a host, pure: what machines take, what is left, and what people read of it. */

/** What a machine takes of its host, or what a host can give. */
export interface RoomSize {
  cpus: number;
  memoryMb: number;
  diskGb: number;
}

/** One that asks for room. */
export interface RoomRequest {
  machineId: string;
  size: RoomSize;
  /** Epoch ms of the first asking, by which its wait counts; the same however often it is repeated. */
  askedAt: number;
}

export const NO_ROOM: RoomSize = { cpus: 0, memoryMb: 0, diskGb: 0 };

const UNITS = { cpus: 'cpus', memoryMb: 'MB of memory', diskGb: 'GB of disk' } as const;
const KINDS = Object.keys(UNITS) as (keyof RoomSize)[];

export function sumOf(sizes: Iterable<RoomSize>): RoomSize {
  const sum = { ...NO_ROOM };
  for (const size of sizes) for (const kind of KINDS) sum[kind] += size[kind];
  return sum;
}

/** What a machine takes: one that is stopped, or ended by itself, has given back all but its disk. */
export function takenBy({ size = NO_ROOM, status }: { size?: RoomSize; status: string }): RoomSize {
  return status === 'ended' || status === 'stopped' ? diskOf(size) : size;
}

/** What a machine of the size keeps while it does not run. */
export function diskOf({ diskGb }: RoomSize): RoomSize {
  return { ...NO_ROOM, diskGb };
}

/** What is left; never below zero, also where machines take more than there is since a limit was lowered. */
export function freeRoom(total: RoomSize, taken: RoomSize): RoomSize {
  const free = { ...NO_ROOM };
  for (const kind of KINDS) free[kind] = Math.max(0, total[kind] - taken[kind]);
  return free;
}

export function fits(size: RoomSize, free: RoomSize): boolean {
  return KINDS.every((kind) => size[kind] <= free[kind]);
}

/** What a person reads while a machine waits: what it asks, what is free, and how many are before it. */
export function waitingText(size: RoomSize, free: RoomSize, ahead: number): string {
  const before = ahead === 0 ? 'it is the next one' : `${ahead} ${ahead === 1 ? 'waits' : 'wait'} before it`;
  return `waiting for room on this host: asked ${sizeText(size)}; free ${sizeText(free)}; ${before}`;
}

/** Why a machine can never fit a host that gives `total`, or undefined when it could. */
export function tooBigText(size: RoomSize, total: RoomSize): string | undefined {
  if (fits(size, total)) return undefined;
  return `bigger than this host: asked ${sizeText(size)}; the whole host gives ${sizeText(total)}`;
}

export function sizeText(size: RoomSize): string {
  return KINDS.map((kind) => `${size[kind]} ${UNITS[kind]}`).join(', ');
}
