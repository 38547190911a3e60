/** What hosts may do with creates that wait: the policy of Ephemera, and those it was chosen over. */
import { hasTurn, isOverdue, nextPulls, shortestSmaller, type LaneBacklog } from '../../domain/capacity/pull.ts';
import { fits, NO_ROOM, type RoomSize } from '../../domain/capacity/room.ts';
import { SIZE_CLASSES, sizeClassOf, type SizeClass } from '../../domain/capacity/size-class.ts';
import type { HostActions, PlacementPolicy, SimulatedHost } from './simulation.ts';

const ONE = 'all';

/** Each host pulls whatever comes; a create waits on the host that pulled it, first in, first out. */
export function waitsOnItsHost(): PlacementPolicy {
  const admit = (host: SimulatedHost, world: HostActions): void => {
    for (let first = host.held[0]; first && fits(first.size, world.free(host)); first = host.held[0]) {
      world.place(host, first);
    }
  };
  return {
    name: 'one queue, a create waits on the host that pulled it',
    queueOf: () => ONE,
    act: (host, world) => {
      admit(host, world);
      world.poll(host, ONE);
    },
    receive: () => 'hold',
  };
}

/** Each host that has any room pulls whatever comes, and hands back what does not fit. */
export function plainPull(): PlacementPolicy {
  return {
    name: 'one queue, handed back where it does not fit',
    queueOf: () => ONE,
    act: (host, world) => {
      if (world.free(host).cpus > 0) world.poll(host, ONE);
    },
    receive: (host, { size }, world) => (fits(size, world.free(host)) ? 'place' : 'handBack'),
  };
}

/** A queue for each size class, polled only by hosts with room for it: the biggest that fits goes first. */
export function classes(): PlacementPolicy {
  const expected = new ExpectedSizes();
  return {
    name: 'size classes',
    queueOf: ({ size }) => sizeClassOf(size),
    act: (host, world) => {
      if (host.asking.length > 0) return;
      const fitting = [...SIZE_CLASSES].reverse().filter((one) => fits(expected.of(one).expected, world.free(host)));
      const next = fitting.find((one) => world.queues().includes(one) && !host.polling.has(one));
      if (next !== undefined) world.poll(host, next);
    },
    receive: (host, { size }, world) => {
      expected.note(size);
      return fits(size, world.free(host)) ? 'place' : 'handBack';
    },
  };
}

/** Size classes; by how long each class waits, the next ones are taken, or room is reserved for one that waits too long. */
export function classesWithReservation(): PlacementPolicy {
  const expected = new ExpectedSizes();
  const reserving = new Map<number, string>();
  const backlog = (world: HostActions): LaneBacklog[] =>
    SIZE_CLASSES.filter((one) => world.queues().includes(one)).map((sizeClass) => {
      const { count, oldestSeconds } = world.statistics(sizeClass);
      return { lane: sizeClass, waiting: count, waitSeconds: oldestSeconds, ...expected.of(sizeClass) };
    });
  return {
    name: 'size classes with reservation',
    queueOf: ({ size }) => sizeClassOf(size),
    act: (host, world) => {
      const [held] = host.held;
      if (held !== undefined && fits(held.size, world.free(host))) world.place(host, held);
      if (host.held.length > 0) return;
      if (host.asking.length === 0) reserving.delete(host.id);
      if (reserving.has(host.id)) return;
      const isTurn = hasTurn(nameOf(host), world.hosts().map(nameOf), world.now * 1000);
      // A poll that has found nothing yet says that nothing waits there.
      const known = backlog(world).filter(({ lane }) => !host.polling.has(lane));
      const pulling = { total: host.total, free: world.free(host), asked: host.asking, mayReserve: isTurn };
      for (const { kind, lane } of nextPulls(pulling, known)) {
        if (kind === 'reserve') reserving.set(host.id, lane);
        world.poll(host, lane);
      }
    },
    receive: (host, create, world) => {
      expected.note(create.size);
      const free = world.free(host);
      if (host.held.length === 0 && fits(create.size, free)) return 'place';
      const mayHold = host.held.length === 0 && reserving.get(host.id) === sizeClassOf(create.size);
      const smaller = shortestSmaller(
        create.size,
        backlog(world).filter(({ waiting }) => waiting > 0),
      );
      return mayHold && isOverdue(create.size, world.now - create.askedAt, free, smaller) ? 'hold' : 'handBack';
    },
  };
}

const nameOf = ({ id }: SimulatedHost): string => `host-${id}`;

/** The sizes of a class as they were seen; before that, nothing. */
class ExpectedSizes {
  private readonly seen = new Map<SizeClass, RoomSize>();

  of(sizeClass: SizeClass): Pick<LaneBacklog, 'expected' | 'isSeen'> {
    const expected = this.seen.get(sizeClass);
    return { expected: expected ?? NO_ROOM, isSeen: expected !== undefined };
  }

  note(size: RoomSize): void {
    this.seen.set(sizeClassOf(size), size);
  }
}
