/** The rules of the placement protocol that a mutant may break, and what may go wrong in an exploration. */

/** How many ticks of the model's clock each time-out takes. A host's fence must act before the host may be called lost. */
export interface Clocks {
  /** Without a heartbeat for this long the server gives up an attempt or a lease. */
  heartbeat: number;
  /** A host that was away this long is lost. */
  lost: number;
  /** The fence stops the machines of a host this long after the start of its last successful lease heartbeat. */
  fence: number;
}

export const CLOCKS: Clocks = { heartbeat: 1, lost: 2, fence: 2 };

export interface Rules {
  clocks: Clocks;
  /** Machines of a host that cannot renew its lease are stopped. */
  fences: boolean;
  /** A create whose attempt was given up by the server is asked again under a new machine id. */
  newIdAfterLostPlace: boolean;
  /** A host with an outdated lease hands a create back before it begins. */
  checksLeaseBeforeCreate: boolean;
  /** A host lists its machines, and destroys orphans, before it takes creates. */
  reconcilesFirst: boolean;
  /** A host hands a create back only where it has made nothing, or has destroyed it. */
  handsBackNothingMade: boolean;
  /** A create that failed after it made something asks for a new id, once that is destroyed; otherwise for the same. */
  undoneAsksNewId: boolean;
  /** A cancelled create is acknowledged when what it made is gone. */
  undoesBeforeCancelAck: boolean;
  /** Destroys go to the machine's place; otherwise to any host. */
  destroysAtPlace: boolean;
  /** A completion of an attempt that was given up is refused. */
  refusesLateCompletions: boolean;
  /** VMs are released when their host is lost; otherwise when it is away. */
  releasesOnlyLost: boolean;
  /** The return of a host ends the release of its VMs, before it gets a lease. */
  returnEndsRelease: boolean;
  /** A host does not look for machines that live elsewhere: unknown there is not gone. */
  asksTheRightHost: boolean;
  /** An id that was destroyed on a host is not made there again. */
  keepsTombstones: boolean;
  /** Machines whose owner has another machine by now are orphans. */
  sweepsMovedOn: boolean;
  /** A VM in `destroying` whose host is lost ends without a destroy that nobody can do. */
  endsDestroyingOfLost: boolean;
}

export const RULES: Rules = {
  clocks: CLOCKS,
  fences: true,
  newIdAfterLostPlace: true,
  checksLeaseBeforeCreate: true,
  reconcilesFirst: true,
  handsBackNothingMade: true,
  undoneAsksNewId: true,
  undoesBeforeCancelAck: true,
  destroysAtPlace: true,
  refusesLateCompletions: true,
  releasesOnlyLost: true,
  returnEndsRelease: true,
  asksTheRightHost: true,
  keepsTombstones: true,
  sweepsMovedOn: true,
  endsDestroyingOfLost: true,
};

/** What may still go wrong, and what people may still ask for. */
export interface Budget {
  /** kill -9 of a worker, or the power cut of a computer. */
  crashes: number;
  /** SIGSTOP of a worker, or of everything on a host; it goes on later. */
  pauses: number;
  /** A host and Temporal cannot reach each other, until that heals. */
  partitions: number;
  /** A message to the server is lost, or the answer to a lease's heartbeat. */
  lost: number;
  /** A message to the server takes its time. */
  late: number;
  /** A host hands a create back before it makes anything. */
  handBacks: number;
  /** A create fails after the machine was made. */
  failures: number;
  deletes: number;
  lives: number;
}

/** One life, and nothing goes wrong. */
export const NOTHING: Budget = {
  ...{ crashes: 0, pauses: 0, partitions: 0, lost: 0, late: 0 },
  ...{ handBacks: 0, failures: 0, deletes: 0, lives: 1 },
};
