/**
 * What this replica knows of every VM, in memory: lists are answered from it without a call to Temporal.
 * One record for each name: its latest life. Records come from visibility, from describes and queries, and from
 * this replica's own starts, in any order and more than once; the newer one stays.
 */
import { isOnOffer } from '../../domain/pool/reuse.ts';
import type { VmStateName } from '../../domain/vm/state.ts';
import { apiVm, isInitial, type TemporalUi, type VmRecord } from '../vms/seen/vm-record.ts';
import { LiveCounts, type LiveCount } from './live-counts.ts';
import { comparePositions, SortedRecords, type Position } from './sorted-records.ts';

export interface ListFilter {
  /** Null leaves ended VMs out. */
  states: readonly VmStateName[] | null;
  template: string | null;
  labels: readonly (readonly [key: string, value: string])[];
  /** Whether somebody uses it, by its last count. */
  inUse: boolean | null;
  provider: string | null;
  zone: string | null;
  host: string | null;
  createdBy: string | null;
}

/** Members of a view that a filter compares as they are. */
const COMPARED = ['provider', 'zone', 'host', 'createdBy'] as const;

interface Entry {
  record: VmRecord;
  position: Position;
  /** The VM as a list shows it; made when first shown. */
  json: string | undefined;
}

interface ProjectRecords {
  live: SortedRecords<Entry>;
  ended: SortedRecords<Entry>;
  /** Those that another create may be given. */
  onOffer: Set<Entry>;
}

export interface ListPage {
  records: VmRecord[];
  /** Each VM of the page as JSON. */
  json: string[];
  /** Position of the last VM when more follow. */
  next: Position | undefined;
}

/** VMs that ended are remembered up to this number; the ones that ended first are forgotten first. */
export const ENDED_LIMIT = 10_000;

export class Projection {
  readonly #ui: TemporalUi;
  readonly #endedLimit: number;
  readonly #entries = new Map<string, Entry>();
  readonly #projects = new Map<string, ProjectRecords>();
  readonly #counts = new LiveCounts();
  /** Workflow ids of live VMs that were given to a create, by its name for that. */
  readonly #givenTo = new Map<string, string>();
  /** Workflow ids of ended VMs, the first ended first. */
  readonly #endedOrder = new Set<string>();

  constructor(ui: TemporalUi, endedLimit: number = ENDED_LIMIT) {
    this.#ui = ui;
    this.#endedLimit = endedLimit;
  }

  get(workflowId: string): VmRecord | undefined {
    return this.#entries.get(workflowId)?.record;
  }

  /** Workflow ids of all VMs whose workflow is not closed. */
  openWorkflowIds(): string[] {
    return [...this.#entries.values()].filter(({ record }) => !record.closed).map(({ record }) => record.workflowId);
  }

  /** VMs of a project that another create may be given, as they were last seen. */
  onOffer(project: string): VmRecord[] {
    return [...(this.#projects.get(project)?.onOffer ?? [])].map(({ record }) => record);
  }

  /** The live VM that was last given to this claim. */
  givenTo(claim: string): VmRecord | undefined {
    const workflowId = this.#givenTo.get(claim);
    return workflowId === undefined ? undefined : this.get(workflowId);
  }

  /** How many VMs live, by what metrics tell apart. */
  liveCounts(): LiveCount[] {
    return this.#counts.all();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Takes a record that was seen; an older one than the known changes nothing. Returns whether it was taken. */
  see(record: VmRecord): boolean {
    const known = this.#entries.get(record.workflowId);
    if (known && !isNewer(record, known.record)) return false;
    this.#put(record, known);
    return true;
  }

  /** Whether only Temporal can say which of this record and the known one is the newer life. */
  doubts(record: VmRecord): boolean {
    const known = this.#entries.get(record.workflowId)?.record;
    if (known === undefined || known.view.uid === record.view.uid) return false;
    return record.provisional === true || known.provisional === true;
  }

  /** Takes a VM that this replica has just started: newer than whatever is known of its name. */
  started(record: VmRecord): void {
    const known = this.#entries.get(record.workflowId);
    if (known?.record.view.uid === record.view.uid) return;
    this.#put(record, known);
  }

  /** Forgets a VM of which Temporal knows nothing any more. */
  forget(workflowId: string): void {
    const known = this.#entries.get(workflowId);
    if (!known) return;
    this.#unlist(known);
    this.#entries.delete(workflowId);
    this.#endedOrder.delete(workflowId);
  }

  /** Every VM of a project that lives, oldest first. */
  live(project: string): VmRecord[] {
    return [...this.#walk(project, null, undefined)].map(({ record }) => record);
  }

  /** The VMs of a project after a position, oldest first. */
  page(project: string, filter: ListFilter, pageSize: number, after: Position | undefined): ListPage {
    const page: ListPage = { records: [], json: [], next: undefined };
    let last: Position | undefined;
    for (const entry of this.#walk(project, filter.states, after)) {
      if (!matches(entry.record, filter)) continue;
      if (page.records.length === pageSize) {
        page.next = last;
        break;
      }
      entry.json ??= JSON.stringify(apiVm(entry.record, this.#ui));
      page.records.push(entry.record);
      page.json.push(entry.json);
      last = entry.position;
    }
    return page;
  }

  *#walk(project: string, states: ListFilter['states'], after: Position | undefined): Generator<Entry> {
    const records = this.#projects.get(project);
    if (!records) return;
    const wantsEnded = states?.some((state) => state === 'destroyed' || state === 'failed') ?? false;
    const wantsLive = states?.some((state) => state !== 'destroyed' && state !== 'failed') ?? true;
    const lists = [...(wantsLive ? [records.live] : []), ...(wantsEnded ? [records.ended] : [])];
    const cursors = lists.map((list) => ({ list, index: after ? list.firstAfter(after) : 0 }));
    for (;;) {
      let best: { entry: Entry; cursor: { index: number } } | undefined;
      for (const cursor of cursors) {
        const entry = cursor.list.at(cursor.index);
        if (entry && (!best || comparePositions(entry.position, best.entry.position) < 0)) best = { entry, cursor };
      }
      if (!best) return;
      best.cursor.index += 1;
      yield best.entry;
    }
  }

  #put(record: VmRecord, known: Entry | undefined): void {
    if (known) this.#unlist(known);
    const entry: Entry = { record, position: positionIn(known, record), json: undefined };
    this.#entries.set(record.workflowId, entry);
    const records = this.#of(entry);
    listIn(records, entry).put(entry);
    if (!record.closed && isOnOffer(record.view)) records.onOffer.add(entry);
    if (!record.closed && record.view.claim !== undefined) this.#givenTo.set(record.view.claim, record.workflowId);
    this.#counts.add(record);
    this.#endedOrder.delete(record.workflowId);
    if (record.closed) this.#rememberEnded(record.workflowId);
  }

  #rememberEnded(workflowId: string): void {
    this.#endedOrder.add(workflowId);
    for (const oldest of this.#endedOrder) {
      if (this.#endedOrder.size <= this.#endedLimit) return;
      this.forget(oldest);
    }
  }

  #unlist(entry: Entry): void {
    const records = this.#of(entry);
    listIn(records, entry).remove(entry.position);
    records.onOffer.delete(entry);
    const { view, workflowId } = entry.record;
    if (view.claim !== undefined && this.#givenTo.get(view.claim) === workflowId) this.#givenTo.delete(view.claim);
    this.#counts.remove(entry.record);
  }

  #of({ record }: Entry): ProjectRecords {
    const { project } = record.view;
    let records = this.#projects.get(project);
    if (!records) {
      records = { live: new SortedRecords(), ended: new SortedRecords(), onOffer: new Set() };
      this.#projects.set(project, records);
    }
    return records;
  }
}

/**
 * One life keeps the place at which it was first seen: its workflow says another moment of its beginning than the
 * replica that started it, and a VM that moves while somebody turns the pages is shown on two of them.
 */
function positionIn(known: Entry | undefined, { view: { uid, createdAt, name } }: VmRecord): Position {
  return known?.record.view.uid === uid ? known.position : { createdAt, name };
}

function listIn({ live, ended }: ProjectRecords, { record }: Entry): SortedRecords<Entry> {
  const { state } = record.view;
  return state === 'destroyed' || state === 'failed' ? ended : live;
}

/**
 * Whether a record says something newer than the known one of the same name. A provisional one may be of the known
 * life as well as of a newer one, so it is worth less than any other; {@link Projection.doubts} says when to ask.
 */
export function isNewer(incoming: VmRecord, known: VmRecord): boolean {
  if (incoming.view.uid !== known.view.uid) {
    if (incoming.provisional) return known.provisional === true && incoming.view.createdAt > known.view.createdAt;
    if (known.provisional) return !incoming.closed || incoming.view.updatedAt > known.view.createdAt;
    return incoming.view.createdAt > known.view.createdAt;
  }
  if (incoming.closed !== known.closed) return incoming.closed;
  if (isInitial(incoming) !== isInitial(known)) return isInitial(known);
  return incoming.view.updatedAt >= known.view.updatedAt;
}

function matches({ view }: VmRecord, filter: ListFilter): boolean {
  if (filter.states !== null && !filter.states.includes(view.state)) return false;
  if (filter.template !== null && view.template?.name !== filter.template) return false;
  if (filter.inUse !== null && (view.connections ?? 0) > 0 !== filter.inUse) return false;
  if (COMPARED.some((member) => filter[member] !== null && view[member] !== filter[member])) return false;
  return filter.labels.every(([key, value]) => view.labels[key] === value);
}
