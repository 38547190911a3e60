import { connectionsAt } from '../agent/usage.ts';
import { isoTime } from '../iso-time.ts';
import { aliveBecause, shownDeadline, type AliveBecause, type Deadline, type DeadlineKind } from './deadlines.ts';
import type { MachineAddress } from '../machine/provider.ts';
import { isOnItsWay } from './power.ts';
import { newerVersion, whySooner } from './roll-over.ts';
import type { TemplateRef, VmSpec } from './spec.ts';
import {
  MEMO_TIMELINE_LIMIT,
  hasEnded,
  isBelowRunning,
  isServing,
  isSuspension,
  type EndReason,
  type ImageWish,
  type StartedFrom,
  type TimelineEntry,
  type Usage,
  type Vm,
  type VmStateName,
} from './state.ts';

/** What leaves a workflow: JSON only, times as RFC 3339, absent facts absent. */
export interface VmView {
  name: string;
  project: string;
  uid: string;
  /** Id of the API key that asked for it; absent where the start names none. */
  createdBy?: string;
  machineId: string;
  state: VmStateName;
  reason?: EndReason;
  /** One sentence more about the reason. */
  detail?: string;
  health: 'ok' | 'unknown';
  provider: string;
  zone?: string;
  host?: string;
  template?: TemplateRef;
  address?: MachineAddress;
  /** Absent while nobody ever counted. */
  connections?: number;
  /** Whose count that is. `others`: of people and programs outside the machine. */
  countedBy?: 'agent' | 'others';
  aliveBecause: AliveBecause | null;
  /** `detail`: one sentence more, where it comes sooner than the spec says. */
  nextDeadline?: { at: string; kind: DeadlineKind; detail?: string };
  /** The version of its template that it makes room for as soon as nobody uses it. */
  newerVersion?: number;
  /** The open question that the next report of an agent over HTTP has to name; no part of what the API shows. */
  confirmationId?: string;
  /** Another create may be given it while it drains. No part of what the API shows. */
  unnamed?: true;
  /** It makes room for no newer version. No part of what the API shows. */
  pinned?: true;
  /** The create that it was given to last. No part of what the API shows. */
  claim?: string;
  /** Tokens that its agent had before are refused. No part of what the API shows. */
  resetAt?: string;
  /** What the present machine was when the VM got it. */
  startedFrom?: StartedFrom;
  /** What is kept of a machine that does not run. */
  keeps?: ('disk' | 'memory')[];
  /** Nothing but a request ends it. */
  stays?: true;
  /** The image that is being made, or will be once it is stopped; `closes`: the VM ends with it. */
  pendingImage?: { imageId: string; family: string; name?: string; closes: boolean };
  /** While it stops: whether it starts again after that. No part of what the API shows. */
  startsAgain?: boolean;
  /** While the machine is destroyed: whether another one takes its place. No part of what the API shows. */
  replaced?: boolean;
  holdUntil?: string;
  labels: Record<string, string>;
  createdAt: string;
  readyAt?: string;
  /** When the machine was seen gone, or released by force. */
  endedAt?: string;
  updatedAt: string;
  spec: VmSpec;
}

/** A timeline entry as it leaves the workflow. */
export interface TimelineEntryView extends Omit<TimelineEntry, 'at'> {
  at: string;
}

/** The memo entry {@link MEMO}.vm: with the spec beside it, lists and events are built from it alone. */
export interface VmMemo {
  /** With its spec only where that has no memo entry of its own. */
  view: Omit<VmView, 'spec'> & Partial<Pick<VmView, 'spec'>>;
  timeline: TimelineEntryView[];
}

export function vmView(vm: Vm, now: number): VmView {
  const { state, spec } = vm;
  const machine = 'machine' in state ? state.machine : null;
  const usage = 'usage' in state ? state.usage : null;
  const due = shownDeadline(vm);
  const newer = newerVersion(vm);
  const readyAt = 'readyAt' in state ? state.readyAt : null;
  return {
    name: vm.name,
    project: vm.project,
    uid: vm.uid,
    ...(vm.createdBy === undefined ? {} : { createdBy: vm.createdBy }),
    machineId: vm.machineId,
    state: state.name,
    ...('reason' in state ? { reason: state.reason } : {}),
    ...('detail' in state && state.detail !== null ? { detail: state.detail } : {}),
    health: isServing(state) && state.silence ? 'unknown' : 'ok',
    provider: spec.provider,
    ...(machine?.zone ? { zone: machine.zone } : {}),
    ...(machine?.host ? { host: machine.host } : {}),
    ...(spec.template ? { template: spec.template } : {}),
    ...(machine?.address ? { address: machine.address } : {}),
    ...(usage ? { connections: connectionsAt(usage, now), countedBy: countedBy(usage) } : {}),
    aliveBecause: aliveBecause(vm, now),
    ...(due ? { nextDeadline: deadlineView(vm, due) } : {}),
    ...(newer === undefined ? {} : { newerVersion: newer }),
    ...(isServing(state) && state.confirmation?.id !== undefined ? { confirmationId: state.confirmation.id } : {}),
    ...(vm.unnamed === undefined ? {} : { unnamed: vm.unnamed }),
    ...(vm.pinned === undefined ? {} : { pinned: vm.pinned }),
    ...(vm.claim === undefined ? {} : { claim: vm.claim }),
    ...(vm.resetAt === undefined ? {} : { resetAt: isoTime(vm.resetAt) }),
    startedFrom: vm.startedFrom ?? 'new',
    ...(spec.maxLifetimeSeconds === null ? { stays: true as const } : {}),
    ...(isBelowRunning(state) ? { keeps: isSuspension(state) ? ['disk', 'memory'] : ['disk'] } : {}),
    ...('image' in state ? { pendingImage: pendingImageOf(state.image) } : {}),
    ...(state.name === 'stopping' || state.name === 'imaging' || state.name === 'suspending'
      ? { startsAgain: isOnItsWay(vm) }
      : {}),
    ...(state.name === 'destroying' ? { replaced: state.then === 'recreate' } : {}),
    ...(vm.holdUntil !== null && vm.holdUntil > now ? { holdUntil: isoTime(vm.holdUntil) } : {}),
    labels: spec.labels,
    createdAt: isoTime(vm.createdAt),
    ...(readyAt === null ? {} : { readyAt: isoTime(readyAt) }),
    ...(hasEnded(state) ? { endedAt: isoTime(state.since) } : {}),
    updatedAt: isoTime(vm.updatedAt),
    spec,
  };
}

function countedBy({ source }: Usage): NonNullable<VmView['countedBy']> {
  return source === 'agent' ? 'agent' : 'others';
}

function deadlineView(vm: Vm, { at, kind }: Deadline): NonNullable<VmView['nextDeadline']> {
  const detail = kind === 'idle' ? whySooner(vm, 'idle', at) : null;
  return { at: isoTime(at), kind, ...(detail === null ? {} : { detail }) };
}

function pendingImageOf({ imageId, family, name, then }: ImageWish): NonNullable<VmView['pendingImage']> {
  return { imageId, family, ...(name === null ? {} : { name }), closes: then === 'close' };
}

export function timelineView(vm: Vm, limit: number = vm.timeline.length): TimelineEntryView[] {
  return vm.timeline.slice(-limit).map((entry) => ({ ...entry, at: isoTime(entry.at) }));
}

/** What changes of a VM, to be published again and again: its spec, which may be large, is not in it. */
export function vmMemo(vm: Vm, now: number): VmMemo {
  const view: VmMemo['view'] = vmView(vm, now);
  delete view.spec;
  return { view, timeline: timelineView(vm, MEMO_TIMELINE_LIMIT) };
}
