import type { MachineFacts } from './machine-provider.ts';
import type { VmSpec } from './vm-spec.ts';

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
] as const;
export type EndReason = (typeof END_REASONS)[number];

/** Ends that are nobody's wish: the workflow fails with the reason as its type, so every UI shows it. */
export const FAILED_REASONS: readonly EndReason[] = ['createFailed', 'notReady', 'lost', 'preempted'];

/** What is known of how many use the VM. `signal`: a person or program typed it, no agent was ever heard. */
export interface Usage {
  source: 'agent' | 'signal';
  connections: number;
  /** Highest agent sequence taken; older reports change nothing. 0 before the first. */
  sequence: number;
  /** When the last report came. */
  reportedAt: number;
  /** Since when the count is 0; null while somebody is connected. */
  emptySince: number | null;
  /** Somebody was connected at some time, or a person said so. */
  everUsed: boolean;
}

/** A question under way before an empty VM is destroyed: only a fresh answer may confirm it. */
export interface Confirmation {
  /** The end that a confirmed 0 leads to. */
  reason: EndReason;
  /** Who gives the answer: the agent when asked over its link, or its next report where it cannot be asked. */
  answeredBy: 'agent' | 'report';
  /** Names the question where the next report answers it: a report counts as the answer only if it names it too. */
  id?: string;
  /** Without an `id` a report counts as the answer if it was given after this, by the clock of whoever forwarded it. */
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
  /** Whether the provider was asked if the machine still runs. */
  probe: 'pending' | 'alive';
}

/** The part that `running` and `draining` share. */
export interface Serving {
  machine: MachineFacts;
  readyAt: number;
  usage: Usage | null;
  confirmation: Confirmation | null;
  silence: Silence | null;
  /** What the agent was last told about draining, if it is not what it should know. */
  drainNotice: 'pending' | 'sent';
}

export interface Creating {
  name: 'creating';
  since: number;
  /** What was said before the provider's answer came: a machine may be up before its create call returns. */
  usage: Usage | null;
}
export interface Booting {
  name: 'booting';
  since: number;
  machine: MachineFacts;
  usage: Usage | null;
}
export interface Running extends Serving {
  name: 'running';
  since: number;
}
export interface Draining extends Serving {
  name: 'draining';
  since: number;
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
  letGoAt: number | null;
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
export type VmState = Creating | Booting | Running | Draining | Destroying | Destroyed | Failed;

export const VM_STATE_NAMES = [
  'creating',
  'booting',
  'running',
  'draining',
  'destroying',
  'destroyed',
  'failed',
] as const satisfies readonly VmState['name'][];
export type VmStateName = VmState['name'];

/** One life of a VM: all that the workflow knows, JSON only, carried across continue-as-new. Times are epoch ms. */
export interface Vm {
  project: string;
  name: string;
  uid: string;
  machineId: string;
  spec: VmSpec;
  createdAt: number;
  /** Idleness does not count before this. */
  holdUntil: number | null;
  /** Whose exchange of the bootstrap secret was granted; only the same caller is granted it again. */
  exchangeNonce: string | null;
  /** The machine that said it has its sealed input and needs it no more; absent before. */
  assignedMachineId?: string;
  /** How often a lost machine was replaced. */
  replacements: number;
  state: VmState;
  timeline: TimelineEntry[];
  /** Number of the next timeline entry; numbers are never reused. */
  nextEntryNumber: number;
  updatedAt: number;
}

export const TIMELINE_ENTRY_KINDS = [
  'state',
  'connections',
  'hold',
  'health',
  'confirming',
  'confirmed',
  'forced',
] as const;

/** One line of a VM's story. */
export interface TimelineEntry {
  number: number;
  at: number;
  kind: (typeof TIMELINE_ENTRY_KINDS)[number];
  state: VmStateName;
  reason?: EndReason;
  detail?: string;
}

/** A VM that loses machine after machine ends as lost, instead of costing for ever. */
export const MAX_REPLACEMENTS = 5;

/** The timeline keeps this many entries; the memo the last few of them. */
export const TIMELINE_LIMIT = 100;
export const MEMO_TIMELINE_LIMIT = 20;

/** A VM at the start of its life. */
export function newVm(start: Pick<Vm, 'project' | 'name' | 'uid' | 'machineId' | 'spec'> & { at: number }): Vm {
  return {
    project: start.project,
    name: start.name,
    uid: start.uid,
    machineId: start.machineId,
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

/** True when the machine is confirmed gone, or was let go by force, and nothing can happen any more. */
export function hasEnded(state: VmState): state is Destroyed | Failed {
  return state.name === 'destroyed' || state.name === 'failed';
}

/** True in the states in which users are served. */
export function isServing(state: VmState): state is Running | Draining {
  return state.name === 'running' || state.name === 'draining';
}

/** Whether the current machine may still be given what was sealed for it: until it said that it is done, never again. */
export function mayBeAssigned({ state, machineId, assignedMachineId }: Vm): boolean {
  return (state.name === 'creating' || state.name === 'booting') && assignedMachineId !== machineId;
}
