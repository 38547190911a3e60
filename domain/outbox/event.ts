/**
 * The outbox: what VMs tell the world. Each numbered entry of a VM's timeline is one event of it, the same for everybody who
 * reads it, so live events and webhooks need no store of their own; the last few are in the memo of each VM.
 */
import { TIMELINE_ENTRY_KINDS, VM_STATE_NAMES, type EndReason, type VmStateName } from '../vm/state.ts';
import type { TimelineEntryView } from '../vm/view.ts';

type EntryKind = (typeof TIMELINE_ENTRY_KINDS)[number];
type OtherKind = Exclude<EntryKind, 'state'>;

/** What kind of thing happened: `vm.<state>` for an entry about the state, else `vm.<kind of the entry>`. */
export type EventKind = `vm.${VmStateName}` | `vm.${OtherKind}`;

export const EVENT_KINDS: readonly EventKind[] = [
  ...VM_STATE_NAMES.map((state) => `vm.${state}` as const),
  ...TIMELINE_ENTRY_KINDS.filter((kind): kind is OtherKind => kind !== 'state').map((kind) => `vm.${kind}` as const),
];

/** One thing that happened to a VM. */
export interface OutboxEvent {
  /** `<uid>.<number>`: the same wherever and how often it is read. */
  id: string;
  /** Counts up through one life. */
  number: number;
  kind: EventKind;
  /** RFC 3339. */
  at: string;
  /** Name of the VM. */
  vm: string;
  uid: string;
  template?: string;
  /** State of the VM after it. */
  state: VmStateName;
  reason?: EndReason;
  detail?: string;
  connections?: number;
}

/** Numbers of a life that cannot be read any more: the memo has only the last few. */
export interface OutboxGap {
  vm: string;
  uid: string;
  template?: string;
  /** The first one, where that is known. */
  from?: number;
  to: number;
}

/** One life of a name, as it was last seen. */
export interface OutboxLife {
  project: string;
  vm: string;
  uid: string;
  template?: string;
  closed: boolean;
  /** The last few entries, oldest first. */
  timeline: readonly TimelineEntryView[];
}

/** What is asked for; absent or empty: everything of the project. */
export interface EventFilter {
  vm?: string;
  template?: string;
  kinds?: readonly EventKind[];
}

export function eventOf({ vm, uid, template }: OutboxLife, entry: TimelineEntryView): OutboxEvent {
  const { number, at, kind, state, reason, detail, connections } = entry;
  return {
    id: `${uid}.${number}`,
    number,
    kind: `vm.${kind === 'state' ? state : kind}`,
    at,
    vm,
    uid,
    ...(template === undefined ? {} : { template }),
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(detail === undefined ? {} : { detail }),
    ...(connections === undefined ? {} : { connections }),
  };
}

/** How the closing of a workflow that wrote no end of its own is told: by one more entry, the same for whoever reads it. */
export function withAbruptEnd(
  timeline: readonly TimelineEntryView[],
  end: { at: string; detail?: string },
): readonly TimelineEntryView[] {
  const last = timeline.at(-1);
  if (last?.state === 'destroyed' || last?.state === 'failed') return timeline;
  const entry = { number: (last?.number ?? 0) + 1, kind: 'state', state: 'failed', ...end } as const;
  return [...timeline, entry];
}

/** The number of the last event of a life; 0 for none. */
export function lastNumber({ timeline }: Pick<OutboxLife, 'timeline'>): number {
  return timeline.at(-1)?.number ?? 0;
}

/** When the last event of a life happened, epoch ms; 0 for none. */
export function lastAtMs({ timeline }: Pick<OutboxLife, 'timeline'>): number {
  const last = timeline.at(-1);
  return last === undefined ? 0 : Date.parse(last.at);
}

/** What a reader that has had events up to `number` is still to get, and what it can get no more. */
export function eventsAfter(life: OutboxLife, number: number): { gap?: OutboxGap; events: OutboxEvent[] } {
  const events = life.timeline.filter((entry) => entry.number > number).map((entry) => eventOf(life, entry));
  const first = events[0];
  if (first === undefined || first.number === number + 1) return { events };
  return { gap: { ...gapOf(life), from: number + 1, to: first.number - 1 }, events };
}

/** The same for a reader that has had everything up to a moment, epoch ms, and knows no number. */
export function eventsSince(life: OutboxLife, sinceMs: number): { gap?: OutboxGap; events: OutboxEvent[] } {
  const isNew = (entry: TimelineEntryView): boolean => Date.parse(entry.at) > sinceMs;
  const events = life.timeline.filter(isNew).map((entry) => eventOf(life, entry));
  const first = life.timeline[0];
  // Where everything that is kept is new, something that is not kept may be new too.
  if (first === undefined || first.number === 1 || !isNew(first)) return { events };
  return { gap: { ...gapOf(life), to: first.number - 1 }, events };
}

function gapOf({ vm, uid, template }: OutboxLife): Pick<OutboxGap, 'vm' | 'uid' | 'template'> {
  return { vm, uid, ...(template === undefined ? {} : { template }) };
}

/** Whether somebody with this filter wants the event; a gap may hide one of any kind. */
export function isWanted(filter: EventFilter, event: OutboxEvent | OutboxGap): boolean {
  if (filter.vm !== undefined && filter.vm !== event.vm) return false;
  if (filter.template !== undefined && filter.template !== event.template) return false;
  const { kinds = [] } = filter;
  return kinds.length === 0 || !('kind' in event) || kinds.includes(event.kind);
}
