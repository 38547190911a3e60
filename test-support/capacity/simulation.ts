/**
 * A model of hosts that pull creates of several sizes from task queues, in simulated time: what a policy does to room
 * and waits. The queues behave as Temporal's were measured to: a create that is handed back comes again a second later,
 * at the end of its queue; how long the oldest waits is known up to five seconds late; a poll that found nothing stays
 * open and brings a create to a host that may be full by then.
 */
import { fits, freeRoom, NO_ROOM, sumOf, type RoomSize } from '../../domain/capacity/room.ts';

export interface SimulatedCreate {
  id: number;
  sizeName: string;
  size: RoomSize;
  askedAt: number;
  lifeSeconds: number;
  placedAt: number | null;
  handedBack: number;
}

export interface SimulatedHost {
  id: number;
  total: RoomSize;
  machines: Set<SimulatedCreate>;
  /** Creates that were pulled and wait here for room, oldest first. */
  held: SimulatedCreate[];
  /** Queues on which a poll is open that found nothing. */
  polling: Set<string>;
  /** Queues of the polls of which it is not known yet whether they bring a create. */
  asking: string[];
}

/** What hosts do; the simulation calls it and offers what a host can do. */
export interface PlacementPolicy {
  name: string;
  /** The queue that the create waits in. */
  queueOf: (create: SimulatedCreate) => string;
  /** What the host does when its room changed, a create came, or a second has gone by. */
  act: (host: SimulatedHost, world: HostActions) => void;
  /** A create came to the host over a poll: place it, hold it, or hand it back. */
  receive: (host: SimulatedHost, create: SimulatedCreate, world: HostActions) => 'place' | 'hold' | 'handBack';
}

export interface HostActions {
  now: number;
  free: (host: SimulatedHost) => RoomSize;
  queues: () => string[];
  hosts: () => readonly SimulatedHost[];
  /** How many wait in the queue, and how long the oldest does, as the server's statistics say: up to five seconds old. */
  statistics: (queue: string) => { count: number; oldestSeconds: number };
  /** Polls; its create comes soon when one waits, else the poll stays open, one for each queue. */
  poll: (host: SimulatedHost, queue: string) => void;
  place: (host: SimulatedHost, create: SimulatedCreate) => void;
  handBack: (host: SimulatedHost, create: SimulatedCreate) => void;
}

export interface SimulationInput {
  policy: PlacementPolicy;
  hosts: RoomSize[];
  creates: SimulatedCreate[];
  random: (below: number) => number;
  /** Until a poll has brought a create that waits; 15 ms unless said. */
  pollSeconds?: number;
}

export interface SimulationResult {
  /** Cpus used of all there are, while at least one create waits for room, 0 to 1. */
  usedShare: number;
  creates: SimulatedCreate[];
  endedAt: number;
}

const STATS_SECONDS = 5;
const RETRY_SECONDS = 1;
const NOTHING_WAITS = { count: 0, oldestSeconds: 0 };
const POLL_SECONDS = 0.015;
const LOOK_SECONDS = 1;
const OPEN_POLL_SECONDS = 60;
/** A create that was not placed at once waits. */
const WAITS_AFTER_SECONDS = 0.2;

/** Runs until every create was placed and ended. Throws when that takes longer than a simulated day. */
export function simulate(input: SimulationInput): SimulationResult {
  return new Simulation(input).run();
}

class Simulation implements HostActions {
  now = 0;
  private readonly pollSeconds: number;
  private readonly input: SimulationInput;
  private readonly all: SimulatedHost[];
  private readonly events = new EventQueue();
  private readonly waiting = new Map<string, { create: SimulatedCreate; queuedAt: number }[]>();
  private readonly openPolls = new Map<string, { host: SimulatedHost; since: number }[]>();
  private readonly stats = new Map<string, { at: number; count: number; oldestSeconds: number }>();
  private unplaced: number;
  /** Its index; creates are in the order of their asking. */
  private oldestUnplaced = 0;
  private readonly used = { area: 0, full: 0, at: 0 };

  constructor(input: SimulationInput) {
    this.input = input;
    this.pollSeconds = input.pollSeconds ?? POLL_SECONDS;
    this.all = input.hosts.map((total, id) => ({
      id,
      total,
      machines: new Set(),
      held: [],
      polling: new Set(),
      asking: [],
    }));
    this.unplaced = input.creates.length;
  }

  run(): SimulationResult {
    for (const create of this.input.creates) {
      const queue = this.input.policy.queueOf(create);
      if (!this.waiting.has(queue)) this.waiting.set(queue, []);
      this.events.add(create.askedAt, () => this.enqueue(create));
    }
    for (const host of this.all) this.events.add(this.input.random(1000) / 1000, () => this.look(host));
    while (this.unplaced > 0) {
      const event = this.events.next();
      if (event === undefined || event.at > 86_400) throw new Error(`${this.unplaced} creates were never placed`);
      this.count(event.at);
      this.now = event.at;
      event.run();
    }
    return { usedShare: this.used.area / this.used.full, creates: this.input.creates, endedAt: this.now };
  }

  free(host: SimulatedHost): RoomSize {
    return freeRoom(host.total, sumOf([...host.machines].map(({ size }) => size)));
  }

  hosts(): SimulatedHost[] {
    return this.all;
  }

  queues(): string[] {
    return [...this.waiting.keys()];
  }

  statistics(queue: string): { count: number; oldestSeconds: number } {
    const known = this.stats.get(queue);
    if (known !== undefined && this.now - known.at < STATS_SECONDS) return known;
    const [first, ...others] = this.waiting.get(queue) ?? [];
    const now =
      first === undefined ? NOTHING_WAITS : { count: 1 + others.length, oldestSeconds: this.now - first.queuedAt };
    this.stats.set(queue, { at: this.now, ...now });
    return now;
  }

  poll(host: SimulatedHost, queue: string): void {
    if (host.polling.has(queue)) return;
    host.asking.push(queue);
    this.events.add(this.now + this.pollSeconds, () => {
      host.asking.splice(host.asking.indexOf(queue), 1);
      const next = this.waiting.get(queue)?.shift();
      if (next !== undefined) {
        this.deliver(host, next.create);
        return;
      }
      if (host.polling.has(queue)) return;
      host.polling.add(queue);
      const open = { host, since: this.now };
      this.openPolls.set(queue, [...(this.openPolls.get(queue) ?? []), open]);
      this.input.policy.act(host, this);
      this.events.add(this.now + OPEN_POLL_SECONDS, () => {
        const polls = this.openPolls.get(queue) ?? [];
        if (!polls.includes(open)) return;
        this.openPolls.set(
          queue,
          polls.filter((one) => one !== open),
        );
        host.polling.delete(queue);
        this.input.policy.act(host, this);
      });
    });
  }

  place(host: SimulatedHost, create: SimulatedCreate): void {
    if (!fits(create.size, this.free(host))) throw new Error(`create ${create.id} does not fit host ${host.id}`);
    if (create.placedAt !== null) throw new Error(`create ${create.id} was placed twice`);
    create.placedAt = this.now;
    this.unplaced -= 1;
    host.held = host.held.filter((one) => one !== create);
    host.machines.add(create);
    this.events.add(this.now + create.lifeSeconds, () => {
      host.machines.delete(create);
      this.input.policy.act(host, this);
    });
  }

  handBack(host: SimulatedHost, create: SimulatedCreate): void {
    host.held = host.held.filter((one) => one !== create);
    create.handedBack += 1;
    this.events.add(this.now + RETRY_SECONDS, () => this.enqueue(create));
  }

  private look(host: SimulatedHost): void {
    this.input.policy.act(host, this);
    this.events.add(this.now + LOOK_SECONDS * (0.75 + this.input.random(500) / 1000), () => this.look(host));
  }

  private enqueue(create: SimulatedCreate): void {
    const queue = this.input.policy.queueOf(create);
    const [open, ...others] = this.openPolls.get(queue) ?? [];
    if (open === undefined) {
      this.waiting.get(queue)?.push({ create, queuedAt: this.now });
      return;
    }
    this.openPolls.set(queue, others);
    open.host.polling.delete(queue);
    this.deliver(open.host, create);
  }

  private deliver(host: SimulatedHost, create: SimulatedCreate): void {
    const answer = this.input.policy.receive(host, create, this);
    if (answer === 'place') this.place(host, create);
    else if (answer === 'hold') host.held.push(create);
    else this.handBack(host, create);
    this.input.policy.act(host, this);
  }

  /** Room counts while a create waits that was asked for before now and has not just come. */
  private count(until: number): void {
    const from = this.used.at;
    this.used.at = until;
    const { creates } = this.input;
    while (this.oldestUnplaced < creates.length && creates[this.oldestUnplaced]!.placedAt !== null)
      this.oldestUnplaced += 1;
    const oldest = creates[this.oldestUnplaced];
    if (oldest === undefined || oldest.askedAt + WAITS_AFTER_SECONDS > from) return;
    const total = sumOf(this.all.map((host) => host.total)).cpus;
    const taken = this.all.reduce((sum, host) => sum + usedOf(host).cpus, 0);
    this.used.area += taken * (until - from);
    this.used.full += total * (until - from);
  }
}

function usedOf({ machines }: SimulatedHost): RoomSize {
  return machines.size === 0 ? NO_ROOM : sumOf([...machines].map(({ size }) => size));
}

/** What happens next in simulated time, a binary heap; at one time in the order in which it was added. */
class EventQueue {
  private readonly heap: { at: number; order: number; run: () => void }[] = [];
  private added = 0;

  add(at: number, run: () => void): void {
    this.heap.push({ at, order: this.added++, run });
    let index = this.heap.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.before(index, parent)) break;
      this.swap(index, parent);
      index = parent;
    }
  }

  next(): { at: number; run: () => void } | undefined {
    const first = this.heap[0];
    const last = this.heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    this.heap[0] = last;
    for (let index = 0; ;) {
      const [left, right] = [2 * index + 1, 2 * index + 2];
      let least = index;
      if (left < this.heap.length && this.before(left, least)) least = left;
      if (right < this.heap.length && this.before(right, least)) least = right;
      if (least === index) return first;
      this.swap(index, least);
      index = least;
    }
  }

  private before(a: number, b: number): boolean {
    const [one, other] = [this.heap[a]!, this.heap[b]!];
    return one.at < other.at || (one.at === other.at && one.order < other.order);
  }

  private swap(a: number, b: number): void {
    [this.heap[a], this.heap[b]] = [this.heap[b]!, this.heap[a]!];
  }
}
