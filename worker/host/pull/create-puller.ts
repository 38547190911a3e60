/**
 * Pulls creates for one host: gives its workers slots, so that they poll, only for queues whose machines have room here.
 * The rules are pure (domain/capacity/pull.ts); here they meet Temporal. A poll that found nothing stays open, so a
 * create may still come to a host that is full by then: it is handed back at once.
 */
import type { Logger } from 'pino';
import type { LaneRequest, RoomAnswer } from '../../../activities/machine/create/machine-room.ts';
import type { CreateLane } from '../../../domain/capacity/create-lanes.ts';
import { hasTurn, isOverdue, nextPulls, shortestSmaller, type LaneBacklog } from '../../../domain/capacity/pull.ts';
import { fits, waitingText, type RoomRequest, type RoomSize } from '../../../domain/capacity/room.ts';
import { wakeAll, wokenOrAfter, type Sleepers } from '../../../lib/waiting/wake-ups.ts';
import type { HostRoom } from '../host-room.ts';
import type { QueueFacts } from '../../../config/queue-facts.ts';
import type { HostList } from './host-list.ts';

export interface CreatePullerOptions {
  hostId: string;
  room: Pick<HostRoom, 'total' | 'free' | 'admit' | 'holds' | 'refresh' | 'onRoom' | 'waiting'>;
  lanes: readonly CreateLane[];
  describe: (lane: CreateLane) => Promise<QueueFacts>;
  hosts: HostList;
  /** False while this host takes no creates. */
  isOpen: () => boolean;
  log: Logger;
}

interface Lane {
  name: CreateLane;
  /** Grants of slots that wait for room. */
  asking: Sleepers;
  /** Slots were given for so many polls that have not ended. */
  polls: number;
  /** What the last create of this lane took; null: not known, or too long ago. */
  seen: { size: RoomSize; at: number } | null;
  /** How long the oldest waited at a time, epoch ms: as Temporal said (its answer may be an old one, said again), or its create. */
  wait: { seconds: number; at: number; said: number };
  waiting: number;
  pausedUntil: number;
  pauseMs: number;
}

/** A poll of a queue where something waits brings it within some times what such polls took lately, within these bounds. */
const POLL = { leastMs: 150, mostMs: 1500, factor: 4 } as const;
/** How much the latest poll counts for what they take. */
const POLL_WEIGHT = 0.2;
const LOOK_MS = 2000;
/** Whose turn it is to reserve goes by the hosts that serve; when one comes or goes, two may have a turn for so long. */
const HOSTS_AGE_MS = 15_000;
const SEEN_FOR_MS = 600_000;
/** A poll that may still bring a create: nothing was heard of it yet. */
interface AskedPoll {
  lane: CreateLane;
  at: number;
}

/** Less no machine takes. */
const LEAST: RoomSize = { cpus: 1, memoryMb: 1, diskGb: 0 };
const HOLD_MS = 30_000;
const PAUSE_MS = { first: 1000, forEachOther: 1000, most: 30_000 } as const;
/** As soon as Temporal tries again: about a second, whatever is asked for. */
const HAND_BACK_MS = 100;

export class CreatePuller {
  private readonly options: CreatePullerOptions;
  private readonly lanes: Map<CreateLane, Lane>;
  private asked: AskedPoll[] = [];
  /** Lanes of the creates that polls brought and that have not asked for room yet. */
  private readonly arriving: CreateLane[] = [];
  private pollMs = 0;
  private readonly received = new Set<string>();
  private reserving: CreateLane | null = null;
  private holding: string | null = null;
  private readonly heldWakes: Sleepers = new Set();
  private looking = false;
  private lookedAt = 0;
  private hosts: string[] = [];

  constructor(options: CreatePullerOptions) {
    this.options = options;
    this.lanes = new Map(options.lanes.map((name) => [name, newLane(name)]));
    options.room.onRoom(() => this.roomChanged());
    options.room.waiting = () => this.waiting();
    const timer = setInterval(() => {
      if ([...this.lanes.values()].some(({ asking }) => asking.size > 0))
        void options.room.refresh().then(() => this.pull());
    }, LOOK_MS);
    timer.unref();
  }

  /** Resolves when a create of the lane is to be polled for; rejects with the reason of the signal. */
  whenWanted(name: CreateLane, signal: AbortSignal): Promise<void> {
    setImmediate(() => this.pull());
    return wokenOrAfter(this.laneOf(name).asking, null, signal);
  }

  /** The poll of a slot ended without a create. */
  pollEnded(name: CreateLane): void {
    const lane = this.laneOf(name);
    lane.polls = Math.max(0, lane.polls - 1);
    if (this.askedOf(name) > lane.polls) this.heard(name);
  }

  /** The poll of a slot brought a create, which is handed to {@link receive} next. */
  pollBrought(name: CreateLane): void {
    const lane = this.laneOf(name);
    lane.polls = Math.max(0, lane.polls - 1);
    const poll = this.heard(name);
    if (poll !== undefined) this.pollMs += POLL_WEIGHT * (Date.now() - poll.at - this.pollMs);
    this.arriving.push(name);
  }

  /** A create ended, well or not; one that failed before it asked for room has arrived too. */
  createEnded(machineId: string, lane: CreateLane): void {
    if (!this.received.delete(machineId)) this.arrived(lane);
  }

  private arrived(lane: CreateLane): void {
    const index = this.arriving.indexOf(lane);
    if (index >= 0) this.arriving.splice(index, 1);
    setImmediate(() => this.pull());
  }

  private heard(lane: CreateLane): AskedPoll | undefined {
    const poll = this.asked.find((one) => one.lane === lane);
    this.asked = this.asked.filter((one) => one !== poll);
    return poll;
  }

  private askedOf(lane: CreateLane): number {
    return this.asked.filter((one) => one.lane === lane).length;
  }

  /** A create of the lane came. Admits it, holds it until it fits where its turn has come, or refuses it. */
  async receive(request: LaneRequest, signal: AbortSignal, show: (why: string | null) => void): Promise<RoomAnswer> {
    const { room } = this.options;
    const name = request.lane;
    const lane = this.laneOf(name);
    const reserves = this.reserving === name;
    this.received.add(request.machineId);
    if (reserves) this.reserving = null;
    lane.seen = { size: request.size, at: Date.now() };
    const waitSeconds = (Date.now() - request.askedAt) / 1000;
    lane.wait = { ...lane.wait, seconds: waitSeconds, at: Date.now() };
    try {
      if (this.admits(request)) return { kind: 'reserved' };
      const free = room.free();
      const smaller = shortestSmaller(request.size, this.backlog());
      const mayHold = reserves && this.isFree() && fits(request.size, room.total);
      if (!mayHold || !isOverdue(request.size, waitSeconds, free, smaller)) return this.refusal(lane.waiting, request);
      this.holding = request.machineId;
    } finally {
      this.arrived(name);
    }
    return this.hold(lane, request, signal, show);
  }

  /**
   * This host may not have a create of this lane: it looks at them more and more rarely. Temporal tries what was handed back
   * each second, so among few hosts (`others`) the right one soon gets it; none stays away from its own creates for longer
   * than that takes.
   */
  pause(name: CreateLane, others: number): void {
    const lane = this.laneOf(name);
    const most = Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.first, others * PAUSE_MS.forEachOther));
    lane.pausedUntil = Date.now() + Math.min(most, lane.pauseMs);
    lane.pauseMs = Math.min(most, lane.pauseMs * 2);
  }

  /** This host may have creates of this lane. */
  unpause(name: CreateLane): void {
    const lane = this.laneOf(name);
    lane.pausedUntil = 0;
    lane.pauseMs = PAUSE_MS.first;
  }

  /** A create that this host did not ask for: it gets room that is free now, and is handed back otherwise. */
  receiveUnasked(request: RoomRequest): RoomAnswer {
    return this.admits(request) ? { kind: 'reserved' } : this.refusal(0, request);
  }

  /** Gives room that is free to a create that may have it; true also for one that has it already. */
  private admits(request: RoomRequest): boolean {
    const { room } = this.options;
    return (this.isFree() || room.holds(request.machineId)) && room.admit(request);
  }

  /** It takes creates, and keeps its room for none that waits here. */
  private isFree(): boolean {
    return this.options.isOpen() && this.holding === null;
  }

  private async hold(
    lane: Lane,
    request: RoomRequest,
    signal: AbortSignal,
    show: (why: string | null) => void,
  ): Promise<RoomAnswer> {
    const { room, log } = this.options;
    log.info(
      { machineId: request.machineId, size: request.size, free: room.free() },
      'room is reserved for a machine that waits',
    );
    const since = Date.now();
    try {
      for (;;) {
        if (room.admit(request)) return { kind: 'reserved' };
        if (!this.options.isOpen() || Date.now() - since > HOLD_MS || (await this.anotherPolls(lane, since)))
          return this.refusal(lane.waiting, request);
        show(waitingText(request.size, room.free(), 0));
        await this.options.room.refresh();
        await wokenOrAfter(this.heldWakes, LOOK_MS, signal);
      }
    } finally {
      this.holding = null;
      show(null);
      setImmediate(() => this.pull());
    }
  }

  /** Another host looks for such a create and finds none, because this one holds it. */
  private async anotherPolls({ name }: Lane, since: number): Promise<boolean> {
    const facts = await this.options.describe(name).catch(() => null);
    if (facts === null || facts.waiting > 0) return false;
    return facts.pollers.some(
      ({ identity, seenAt }) => seenAt > since + 1000 && !identity.includes(`"${this.options.hostId}"`),
    );
  }

  private refusal(waiting: number, request: RoomRequest): RoomAnswer {
    const message = waitingText(request.size, this.options.room.free(), waiting);
    return { kind: 'refused', message, retryAfterMs: HAND_BACK_MS };
  }

  private roomChanged(): void {
    wakeAll(this.heldWakes);
    this.pull();
  }

  /** Gives slots for what there is room for. */
  private pull(): void {
    const { room, hostId } = this.options;
    const now = Date.now();
    if (!this.isFree()) return;
    const asked = [...this.asked.map(({ lane }) => lane), ...this.arriving];
    if (asked.length === 0) this.reserving = null;
    if (this.reserving !== null) return;
    // A poll that found nothing stays open: nothing waits there.
    const lanes = [...this.lanes.values()].filter(
      ({ name, asking, polls, pausedUntil }) => asking.size > 0 && polls <= this.askedOf(name) && pausedUntil <= now,
    );
    if (lanes.length === 0) return;
    const free = room.free();
    if (now - this.lookedAt > LOOK_MS && !lanes.every((lane) => fits(expectedOf(lane), free))) void this.look();
    const pulling = { total: room.total, free, asked, mayReserve: hasTurn(hostId, this.hosts, now) };
    for (const { kind, lane } of nextPulls(pulling, lanes.map(backlogOf))) {
      if (kind === 'reserve') this.reserving = lane;
      this.give(this.laneOf(lane), now);
    }
  }

  /** Nothing came, so nothing waits there; its poll stays open. */
  private pollWasEmpty(poll: AskedPoll): void {
    if (!this.asked.includes(poll)) return;
    this.asked = this.asked.filter((one) => one !== poll);
    this.laneOf(poll.lane).waiting = 0;
    this.pull();
  }

  /** At most one slot is asked for at a time; whoever got one asks for the next one at once. */
  private give(lane: Lane, now: number): void {
    const [grant] = lane.asking;
    if (grant === undefined) return;
    lane.asking.delete(grant);
    lane.polls += 1;
    const poll = { lane: lane.name, at: now };
    this.asked.push(poll);
    grant();
    const patienceMs = Math.min(POLL.mostMs, Math.max(POLL.leastMs, POLL.factor * this.pollMs));
    setTimeout(() => this.pollWasEmpty(poll), patienceMs);
  }

  /** Creates in the lanes, by the last look, and the one that is held here. */
  private waiting(): number {
    const inLanes = [...this.lanes.values()].reduce((sum, { waiting }) => sum + waiting, 0);
    return inLanes + (this.holding === null ? 0 : 1);
  }

  private backlog(): LaneBacklog[] {
    return [...this.lanes.values()].filter(({ waiting }) => waiting > 0).map(backlogOf);
  }

  /** Asks Temporal how long creates wait in each lane, and which hosts there are. */
  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      const { describe, hosts } = this.options;
      const [listed] = await Promise.all([
        hosts(HOSTS_AGE_MS),
        ...[...this.lanes.values()].map(async (lane) => {
          const { waiting, waitSeconds } = await describe(lane.name);
          lane.waiting = waiting;
          if (waitSeconds !== lane.wait.said) lane.wait = { seconds: waitSeconds, at: Date.now(), said: waitSeconds };
        }),
      ]);
      this.hosts = listed.filter(({ state }) => state === 'ready').map(({ hostId }) => hostId);
    } catch (error) {
      this.options.log.debug({ err: error }, 'how many creates wait is not known');
    } finally {
      this.looking = false;
      this.lookedAt = Date.now();
      this.pull();
    }
  }

  private laneOf(name: CreateLane): Lane {
    const lane = this.lanes.get(name);
    if (lane === undefined) throw new Error(`this host has no lane ${name}`);
    return lane;
  }
}

function newLane(name: CreateLane): Lane {
  return {
    name,
    asking: new Set(),
    polls: 0,
    seen: null,
    wait: { seconds: 0, at: 0, said: 0 },
    waiting: 0,
    pausedUntil: 0,
    pauseMs: PAUSE_MS.first,
  };
}

/** Where nothing is known, one is pulled to find out. */
function expectedOf(lane: Lane): RoomSize {
  return lane.seen !== null && isSeen(lane) ? lane.seen.size : LEAST;
}

function isSeen({ seen }: Lane): boolean {
  return seen !== null && Date.now() - seen.at < SEEN_FOR_MS;
}

/** The oldest has gone on waiting since its wait was heard of. */
function backlogOf(lane: Lane): LaneBacklog {
  const { name, waiting, wait } = lane;
  const waitSeconds = waiting === 0 ? 0 : wait.seconds + (Date.now() - wait.at) / 1000;
  return { lane: name, waiting, waitSeconds, expected: expectedOf(lane), isSeen: isSeen(lane) };
}
