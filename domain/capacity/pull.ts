/**
 * Which create a host takes next, pure: every host decides alone, from its own room and from how long the creates of
 * each size class wait. Nobody places; creates are pulled.
 *
 * Of what fits, the biggest class goes first, so that room which big machines had goes to big ones again and is not
 * cut up; but not when others wait much longer. What does not fit is reserved for when it waits much longer than the
 * rest: the host then takes a create of that class before it has room, and nothing else until it has. The create
 * itself is the reservation: no two hosts can hold one, and no list of reservations is kept anywhere.
 */
import { fits, freeRoom, sumOf, type RoomSize } from './room.ts';
import type { CreateLane } from './create-lanes.ts';
import { SIZE_CLASSES, sizeClassOf } from './size-class.ts';

/** What a host knows of the creates that wait in one queue. */
export interface LaneBacklog {
  lane: CreateLane;
  /** How many wait, and how long the oldest of them, in seconds. */
  waiting: number;
  waitSeconds: number;
  /** What the next of them is expected to take. */
  expected: RoomSize;
  /** False where that is not known, but is the least that it could be. */
  isSeen: boolean;
}

export type Pull = { kind: 'take' | 'reserve'; lane: CreateLane } | { kind: 'none' };

/** The biggest that fits goes first unless its wait is less than this share of the longest wait. */
const KEEP_SHARE = 0.3;
/** Room is reserved for a class that waits this many times as long as a smaller one; more where more room is missing. */
const RESERVE_AT = { least: 1.1, forAllMissing: 0.4 } as const;
/** Nothing is reserved for a create that has only just come. */
const RESERVE_AFTER_SECONDS = 2;

/** What a host does next with its free room; `total` is the whole host. It reserves only when it {@link hasTurn}. */
export function nextPull(total: RoomSize, free: RoomSize, backlog: readonly LaneBacklog[], mayReserve: boolean): Pull {
  const overdue = mayReserve ? mostOverdue(total, free, backlog) : undefined;
  if (overdue !== undefined) return { kind: 'reserve', lane: overdue.lane };
  const fitting = biggestFirst(backlog.filter(({ expected }) => fits(expected, free)));
  const longest = Math.max(...fitting.map(({ waitSeconds }) => waitSeconds));
  const next = fitting.find(({ waitSeconds }) => waitSeconds >= KEEP_SHARE * longest);
  return next === undefined ? { kind: 'none' } : { kind: 'take', lane: next.lane };
}

/** So many creates a host asks for at once: each is some time on its way, and the room for it is empty meanwhile. */
export const PULLS_AT_ONCE = 4;

export interface PullingHost {
  total: RoomSize;
  free: RoomSize;
  /** Lanes of the creates that it has asked for, or that came and have not got their room yet. */
  asked: readonly CreateLane[];
  /** Whether it {@link hasTurn}. */
  mayReserve: boolean;
}

/** What a host asks for now, beside what it asked for already. Where nothing waits, it asks for whatever may come. */
export function nextPulls(
  { total, free, asked, mayReserve }: PullingHost,
  backlog: readonly LaneBacklog[],
): Exclude<Pull, { kind: 'none' }>[] {
  const pulls: Exclude<Pull, { kind: 'none' }>[] = [];
  const countOf = (lane: CreateLane): number =>
    asked.filter((one) => one === lane).length + pulls.filter((one) => one.lane === lane).length;
  // Of what was never seen, one says how big they are.
  const isMore = (one: LaneBacklog): boolean =>
    (one.isSeen ? one.waiting : Math.min(1, one.waiting)) > countOf(one.lane);
  while (asked.length + pulls.length < PULLS_AT_ONCE) {
    const onTheWay = backlog.flatMap(({ lane, expected }) => Array<RoomSize>(countOf(lane)).fill(expected));
    const isFirst = asked.length + pulls.length === 0;
    const pull = nextPull(total, freeRoom(free, sumOf(onTheWay)), backlog.filter(isMore), mayReserve && isFirst);
    if (pull.kind === 'none') break;
    pulls.push(pull);
    if (pull.kind === 'reserve') break;
  }
  if (asked.length + pulls.length > 0) return pulls;
  return backlog.filter(({ expected }) => fits(expected, free)).map(({ lane }) => ({ kind: 'take', lane }));
}

/** How long one of so many hosts may begin to reserve room: those that empty themselves all at once would waste most of it. */
export const RESERVE_TURN = { seconds: 5, ofHosts: 8 } as const;

/** Whether this host is one of `hosts` that may begin to reserve now. All of them agree as far as their clocks do. */
export function hasTurn(hostId: string, hosts: readonly string[], nowMs: number): boolean {
  const order = [...new Set([...hosts, hostId])].sort();
  const atOnce = Math.max(1, Math.round(order.length / RESERVE_TURN.ofHosts));
  const first = Math.floor(nowMs / 1000 / RESERVE_TURN.seconds) * atOnce;
  return (order.indexOf(hostId) - (first % order.length) + order.length) % order.length < atOnce;
}

/** Whether a host with `free` room reserves it for a create of this size that waits so long. */
export function isOverdue(size: RoomSize, waitSeconds: number, free: RoomSize, smallerWaitSeconds: number): boolean {
  const factor = RESERVE_AT.least + RESERVE_AT.forAllMissing * missingShare(size, free);
  return waitSeconds >= RESERVE_AFTER_SECONDS && waitSeconds >= factor * smallerWaitSeconds;
}

/** Any machine that ends makes room for one of these, so none is ever reserved. */
const [SMALLEST] = SIZE_CLASSES;

function mostOverdue(total: RoomSize, free: RoomSize, backlog: readonly LaneBacklog[]): LaneBacklog | undefined {
  return backlog
    .filter(({ expected }) => sizeClassOf(expected) !== SMALLEST && fits(expected, total) && !fits(expected, free))
    .filter((one) => isOverdue(one.expected, one.waitSeconds, free, shortestSmaller(one.expected, backlog)))
    .sort((a, b) => b.waitSeconds - a.waitSeconds)[0];
}

/** The shortest wait of smaller machines: what a wait is compared with. 0 when none of them waits. */
export function shortestSmaller(
  size: RoomSize,
  backlog: readonly Pick<LaneBacklog, 'waitSeconds' | 'expected'>[],
): number {
  const waits = backlog.filter(({ expected }) => rankOf(expected) < rankOf(size)).map(({ waitSeconds }) => waitSeconds);
  return waits.length === 0 ? 0 : Math.min(...waits);
}

function biggestFirst(backlog: readonly LaneBacklog[]): LaneBacklog[] {
  return [...backlog].sort((a, b) => rankOf(b.expected) - rankOf(a.expected));
}

function rankOf(size: RoomSize): number {
  return SIZE_CLASSES.indexOf(sizeClassOf(size));
}

/** The part of a size that is not free, 0 to 1: by whichever of cpus, memory and disk lacks most. */
function missingShare(size: RoomSize, free: RoomSize): number {
  const shares = (['cpus', 'memoryMb', 'diskGb'] as const).map((kind) =>
    size[kind] === 0 ? 0 : Math.max(0, size[kind] - free[kind]) / size[kind],
  );
  return Math.max(...shares);
}
