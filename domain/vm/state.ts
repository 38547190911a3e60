import type { MachineFacts } from '../machine/provider.ts';
import type { VmSpec } from './spec.ts';

/** Why a VM ended. */
export const END_REASONS = [
  'requested',
  'idle',
  'neverConnected',
  'maxLifetime',
  'softLifetime',
  'drained',
  'createFailed',
  'notReady',
  'lost',
  'preempted',
  'cancelled',
  'closed',
] as const;
export type EndReason = (typeof END_REASONS)[number];

/** Ends that nobody asked for: the workflow fails with the reason as its type, so every UI shows it. */
export const FAILED_REASONS: readonly EndReason[] = ['createFailed', 'notReady', 'lost', 'preempted'];

/** What is known of how many use the VM. `signal`: a person or program typed it, no agent ever reported. */
export interface Usage {
  source: 'agent' | 'signal';
  connections: number;
  /** Highest agent sequence taken; older reports change nothing. 0 before the first. */
  sequence: number;
  /** When the last report came. */
  reportedAt: number;
  /** Since when the count is 0; null while somebody is connected. With leases alone: when the last of them is over. */
  emptySince: number | null;
  /** Somebody was connected at some time, or a person said so. */
  everUsed: boolean;
  /** Counts that hold for a limited time, by who gave them; absent: none. `connections` is the sum of them and of `typed`. */
  leases?: Record<string, LeasedCount>;
  /** With leases beside it: the count that holds until the next one; absent for none. */
  typed?: number;
}

/** A count that its program repeats while it holds. */
export interface LeasedCount {
  connections: number;
  /** Epoch ms; after that it counts as 0. */
  until: number;
}

/** Who counts, and for how long that holds unless it is said again. */
export interface CountLease {
  by: string;
  seconds: number;
}

/** A question under way before an empty VM is destroyed: only a fresh answer may confirm it. */
export interface Confirmation {
  /** The end that a confirmed 0 leads to. */
  reason: EndReason;
  /** Who gives the answer: the agent when asked over its link, or its next report where it cannot be asked. */
  answeredBy: 'agent' | 'report';
  /** Names the question where the next report answers it: a report counts as the answer only if it names it too. */
  id?: string;
  /** Without an `id` a report counts as the answer if it was given after this, by the clock of its forwarder. */
  askedAt: number;
  /** Without an answer by then the count is unknown. */
  until: number;
}

/** The agent is silent or did not answer: the count is unknown, which is not idle. */
export interface Silence {
  since: number;
  /**
   * Until then the agent may come back; afterwards the VM counts as lost. Null while nobody has said whether the
   * machine lives: a host that is away for a while must not cost its VMs.
   */
  graceUntil: number | null;
  /**
   * Whether the provider was asked if the machine still runs. `again`: its grace is over, and nobody calls it lost before
   * it was asked once more, and an agent over HTTP had an API to report to.
   */
  probe: 'pending' | 'alive' | 'again';
  /** The agent reports, but somebody said that the machine is gone: one that the provider sees ends the question. */
  hearsay?: true;
}

/** The part that `running` and `draining` share. */
export interface Serving {
  machine: MachineFacts;
  readyAt: number;
  usage: Usage | null;
  confirmation: Confirmation | null;
  silence: Silence | null;
  /** Whether the agent knows if it admits newcomers; `unheard`: it could not be told, and is when it reports again. */
  drainNotice: 'pending' | 'sent' | 'unheard';
}

export interface Creating {
  name: 'creating';
  since: number;
  /** What was said before the provider's answer came: a machine may be up before its create call returns. */
  usage: Usage | null;
  /** How often a create began on a host that could not finish it; absent: never. */
  placesLost?: number;
}
export interface Booting {
  name: 'booting';
  since: number;
  machine: MachineFacts;
  usage: Usage | null;
  /**
   * The machine was stopped or suspended before, and is so again if it is not ready in time; `reason` of that stop. `from`:
   * absent for one that was stopped. One that was reset has nothing that is worth it: its VM ends. `tells`: its agent goes on
   * where it was, perhaps when the VM drained, and is told what it is now.
   */
  wake?: { reason: EndReason; from?: 'suspended'; reset?: true; tells?: true };
}
export interface Running extends Serving {
  name: 'running';
  since: number;
}
export interface Draining extends Serving {
  name: 'draining';
  since: number;
}
/** `reason`: why the machine is or was stopped. It is that of the end too, if nobody starts it. */
export interface Stopping {
  name: 'stopping';
  since: number;
  machine: MachineFacts;
  readyAt: number | null;
  reason: EndReason;
  detail: string | null;
  /** Somebody may ask for the VM while it stops. */
  then: 'stay' | 'start';
  /** What is made of the machine once it is stopped; absent: nothing. */
  image?: ImageWish;
  /** As of one that is stopped: the host has not answered since. */
  hostLost?: true;
}
export interface Stopped {
  name: 'stopped';
  since: number;
  machine: MachineFacts;
  readyAt: number | null;
  reason: EndReason;
  detail: string | null;
  /** The host that has its disk is lost: nobody can destroy it there. */
  hostLost?: true;
}
export interface Starting {
  name: 'starting';
  since: number;
  machine: MachineFacts;
  readyAt: number | null;
  reason: EndReason;
  /** What its agent said before the call that starts it returned. */
  usage: Usage | null;
  /** As of one that is stopped: the host has not answered since. */
  hostLost?: true;
}
/** An image that is made, or will be, and what follows it. */
export interface ImageWish {
  /** Its id, as its provider will know it. */
  imageId: string;
  family: string;
  /** Null: the family gives it one. */
  name: string | null;
  /** `close`: the machine is destroyed once the image is kept. */
  then: 'close' | 'start' | 'stay';
}
/** The machine is stopped, and an image is made of its disk. `reason` as of one that is stopped. */
export interface Imaging {
  name: 'imaging';
  since: number;
  machine: MachineFacts;
  readyAt: number | null;
  reason: EndReason;
  image: ImageWish;
}
/** As the three rungs of a stop, with the memory of the machine kept beside its disk. */
export interface Suspending extends Omit<Stopping, 'name'> {
  name: 'suspending';
}
export interface Suspended extends Omit<Stopped, 'name' | 'hostLost'> {
  name: 'suspended';
}
export interface Resuming extends Omit<Starting, 'name'> {
  name: 'resuming';
  /** Its provider refused to suspend it, so it has to run on; where it does not, it is stopped. */
  refused?: true;
}
export interface Destroying {
  name: 'destroying';
  since: number;
  reason: EndReason;
  detail: string | null;
  machine: MachineFacts | null;
  readyAt: number | null;
  /** What follows once the machine is gone: a lost one may be replaced under the same name. */
  then: 'end' | 'recreate';
  /** A forced end does not wait longer than this to see the machine gone; null: as long as it takes. */
  forceTimeoutAt: number | null;
}
export interface Destroyed {
  name: 'destroyed';
  since: number;
  reason: EndReason;
  readyAt: number | null;
}
export interface Failed {
  name: 'failed';
  since: number;
  reason: EndReason;
  detail: string | null;
  readyAt: number | null;
}

/** Where a VM is in its life; each state carries only its own data. */
export type VmState =
  | (Creating | Booting | Running | Draining)
  | (Stopping | Stopped | Imaging | Starting | Suspending | Suspended | Resuming)
  | (Destroying | Destroyed | Failed);

export const VM_STATE_NAMES = [
  'creating',
  'booting',
  'running',
  'draining',
  'stopping',
  'stopped',
  'imaging',
  'starting',
  'suspending',
  'suspended',
  'resuming',
  'destroying',
  'destroyed',
  'failed',
] as const satisfies readonly VmState['name'][];
export type VmStateName = VmState['name'];

/** What the present machine of a VM was when the VM got it, or got it back. */
export const STARTED_FROM = ['new', 'warm', 'drained', 'stopped', 'image', 'suspended'] as const;
export type StartedFrom = (typeof STARTED_FROM)[number];

/** One life of a VM: all that the workflow knows, JSON only, carried across continue-as-new. Times are epoch ms. */
export interface Vm {
  project: string;
  name: string;
  uid: string;
  /** Id of the API key that asked for it; absent where the start names none. */
  createdBy?: string | undefined;
  machineId: string;
  spec: VmSpec;
  createdAt: number;
  /** Idleness does not count before this. */
  holdUntil: number | null;
  /** Whose exchange of the bootstrap secret was granted; only the same caller is granted it again. */
  exchangeNonce: string | null;
  /** The machine that said it has its sealed input and needs it no more; absent before. */
  assignedMachineId?: string;
  /** Nobody chose its name, so another create may be given the VM; absent: somebody did, or it is of before. */
  unnamed?: true;
  /** Whoever asked for it named the version of its template: it makes room for no other; absent: nobody did. */
  pinned?: true;
  /** What its template told it of newer versions; `since`: when it learned that it is to make room, epoch ms. Absent: nothing. */
  rollOver?: RollOverOrder & { since: number };
  /** The create that the VM was given to last, while it drained; absent: only the one that made it. */
  claim?: string;
  /**
   * What its machine was when it was given to another create, which wants it without a trace of whoever was in it: it is
   * reset before it runs again. Absent: what is on its disk stays.
   */
  reset?: 'drained' | 'stopped';
  /** When it was last given to somebody who gets it reset, epoch ms: tokens of its agent from before are nobody's any more. */
  resetAt?: number;
  /** Requests that were granted a snapshot, the newest last: none gets a second one. Absent: none was. */
  snapshotsFor?: string[];
  /** Absent: a new machine. */
  startedFrom?: StartedFrom;
  /** Reports that a forwarder got before this are of before the last stop: they change nothing. Absent: never stopped. */
  reportsAfter?: number;
  /** When its host last started the stopped machine: a loss of the host before that is none any more. Absent: never. */
  startedAgainAt?: number;
  /** How often a lost machine was replaced. */
  replacements: number;
  /** Its create failed, and would fail again anywhere: what its template learns from. */
  specRefused?: true;
  /** It was not ready in time while its host was away: its template learns nothing from that. */
  startUnheard?: true;
  state: VmState;
  timeline: TimelineEntry[];
  /** Number of the next timeline entry; numbers are never reused. */
  nextEntryNumber: number;
  updatedAt: number;
}

/** What a template tells its VMs: those of versions below this one make room; none does where it is 0. */
export interface RollOverOrder {
  below: number;
  /** When it was given, epoch ms, or a little later; grows with each order: an older one that arrives late changes nothing. */
  revision: number;
}

export const TIMELINE_ENTRY_KINDS = [
  'state',
  'connections',
  'hold',
  'health',
  'confirming',
  'confirmed',
  'forced',
  'version',
] as const;

/** One line of a VM's story. */
export interface TimelineEntry {
  number: number;
  at: number;
  kind: (typeof TIMELINE_ENTRY_KINDS)[number];
  state: VmStateName;
  reason?: EndReason;
  detail?: string;
  /** Of kind `connections`: the new count. Absent in entries of before it was noted. */
  connections?: number;
}

/** A VM that loses machine after machine ends as lost, instead of costing for ever. */
export const MAX_REPLACEMENTS = 5;

/** A create that is begun and lost on host after host ends, instead of being asked for as fast as hosts fail. */
export const MAX_PLACES_LOST = 10;

/** The timeline keeps this many entries; the memo the last few of them. */
export const TIMELINE_LIMIT = 100;
export const MEMO_TIMELINE_LIMIT = 20;

/** A VM at the start of its life. */
export function newVm(
  start: Pick<Vm, 'project' | 'name' | 'uid' | 'machineId' | 'spec' | 'createdBy' | 'unnamed' | 'pinned'> & {
    at: number;
  },
): Vm {
  return {
    project: start.project,
    name: start.name,
    uid: start.uid,
    machineId: start.machineId,
    ...(start.createdBy === undefined ? {} : { createdBy: start.createdBy }),
    ...(start.unnamed === undefined ? {} : { unnamed: start.unnamed }),
    ...(start.pinned === undefined ? {} : { pinned: start.pinned }),
    spec: start.spec,
    createdAt: start.at,
    holdUntil: null,
    exchangeNonce: null,
    replacements: 0,
    state: { name: 'creating', since: start.at, usage: null },
    timeline: [{ number: 1, at: start.at, kind: 'state', state: 'creating' }],
    nextEntryNumber: 2,
    updatedAt: start.at,
  };
}

/** True when the machine is confirmed gone, or was released by force, and nothing can happen any more. */
export function hasEnded(state: VmState): state is Destroyed | Failed {
  return state.name === 'destroyed' || state.name === 'failed';
}

/** True in the states in which users are served. */
export function isServing(state: VmState): state is Running | Draining {
  return state.name === 'running' || state.name === 'draining';
}

/** True while the machine is stopped or suspended, on its way there or back: its disk is kept. */
export function isBelowRunning(
  state: VmState,
): state is Stopping | Stopped | Imaging | Starting | Suspending | Suspended | Resuming {
  return ['stopping', 'stopped', 'imaging', 'starting'].includes(state.name) || isSuspension(state);
}

/** True while memory is kept beside the disk. */
export function isSuspension(state: VmState): state is Suspending | Suspended | Resuming {
  return state.name === 'suspending' || state.name === 'suspended' || state.name === 'resuming';
}

/** True while a machine that was stopped or suspended is brought back. */
export function isComingBack(state: VmState): state is Starting | Resuming {
  return state.name === 'starting' || state.name === 'resuming';
}

/**
 * Whether the current machine may still be given what was sealed for it: until it said that it is done, never again in this
 * boot. An agent may ask before the call that makes or starts its machine returns.
 */
export function mayBeAssigned({ state, machineId, assignedMachineId }: Vm): boolean {
  const isOnItsWay = state.name === 'creating' || state.name === 'booting' || isComingBack(state);
  return isOnItsWay && assignedMachineId !== machineId;
}

/** Adds a timeline entry; the one place where `updatedAt` moves. */
export function logged(vm: Vm, at: number, entry: Omit<TimelineEntry, 'number' | 'at' | 'state'>): Vm {
  const line: TimelineEntry = { number: vm.nextEntryNumber, at, state: vm.state.name, ...entry };
  return {
    ...vm,
    timeline: [...vm.timeline, line].slice(-TIMELINE_LIMIT),
    nextEntryNumber: vm.nextEntryNumber + 1,
    updatedAt: at,
  };
}
