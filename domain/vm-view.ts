import { aliveBecause, shownDeadline, type AliveBecause, type DeadlineKind } from './deadlines.ts';
import type { MachineAddress } from './machine-provider.ts';
import type { TemplateRef, VmSpec } from './vm-spec.ts';
import {
  MEMO_TIMELINE_LIMIT,
  hasEnded,
  isServing,
  type EndReason,
  type TimelineEntry,
  type Vm,
  type VmStateName,
} from './vm-state.ts';

/** What leaves a workflow: JSON only, times as RFC 3339, absent facts absent. */
export interface VmView {
  name: string;
  project: string;
  uid: string;
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
  aliveBecause: AliveBecause | null;
  nextDeadline?: { at: string; kind: DeadlineKind };
  /** The open question that the next report of an agent over HTTP has to name; no part of what the API shows. */
  confirmationId?: string;
  /** While the machine is destroyed: whether another one takes its place. No part of what the API shows. */
  replaced?: boolean;
  holdUntil?: string;
  labels: Record<string, string>;
  createdAt: string;
  readyAt?: string;
  /** When the machine was seen gone, or let go by force. */
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
  const readyAt = 'readyAt' in state ? state.readyAt : null;
  return {
    name: vm.name,
    project: vm.project,
    uid: vm.uid,
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
    ...(usage ? { connections: usage.connections } : {}),
    aliveBecause: aliveBecause(vm, now),
    ...(due ? { nextDeadline: { at: isoTime(due.at), kind: due.kind } } : {}),
    ...(isServing(state) && state.confirmation?.id !== undefined ? { confirmationId: state.confirmation.id } : {}),
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

export function timelineView(vm: Vm, limit: number = vm.timeline.length): TimelineEntryView[] {
  return vm.timeline.slice(-limit).map((entry) => ({ ...entry, at: isoTime(entry.at) }));
}

/** What changes of a VM, to be published again and again: its spec, which may be large, is not in it. */
export function vmMemo(vm: Vm, now: number): VmMemo {
  const view: VmMemo['view'] = vmView(vm, now);
  delete view.spec;
  return { view, timeline: timelineView(vm, MEMO_TIMELINE_LIMIT) };
}

function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
