/**
 * Who gets room on a host: the one rule of admission, pure. Room is given in the order of asking, and whoever is
 * first waits for its own size: nobody overtakes, so a big machine is never starved by small ones.
 */

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
  /** Epoch ms of the first asking; the same however often it is repeated. */
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

/** What is left; never below zero, also where machines take more than there is since a limit was lowered. */
export function freeRoom(total: RoomSize, taken: RoomSize): RoomSize {
  const free = { ...NO_ROOM };
  for (const kind of KINDS) free[kind] = Math.max(0, total[kind] - taken[kind]);
  return free;
}

export function fits(size: RoomSize, free: RoomSize): boolean {
  return KINDS.every((kind) => size[kind] <= free[kind]);
}

/** Earlier askers first; at the same time, by machine id, so that every order of arrival ends in one order. */
export function inOrderOfAsking<Request extends RoomRequest>(requests: Iterable<Request>): Request[] {
  return [...requests].sort((a, b) => a.askedAt - b.askedAt || (a.machineId < b.machineId ? -1 : 1));
}

/** Those of the queue, in its order, that get room now: up to the first one that does not fit. */
export function admitted<Request extends RoomRequest>(
  total: RoomSize,
  taken: RoomSize,
  queue: readonly Request[],
): Request[] {
  let inUse = taken;
  const firstWaiting = queue.findIndex(({ size }) => {
    if (!fits(size, freeRoom(total, inUse))) return true;
    inUse = sumOf([inUse, size]);
    return false;
  });
  return firstWaiting === -1 ? [...queue] : queue.slice(0, firstWaiting);
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

function sizeText(size: RoomSize): string {
  return KINDS.map((kind) => `${size[kind]} ${UNITS[kind]}`).join(', ');
}
