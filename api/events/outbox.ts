/**
 * The outbox of the deployment as this replica follows it: the last events of every life, from the same poll that keeps the
 * list of VMs, and those that it has seen of late in the order in which it saw them. Whoever watches reads from here, so a
 * poll serves any number of watchers.
 */
import { randomBytes } from 'node:crypto';
import {
  eventsAfter,
  eventsSince,
  lastAtMs,
  lastNumber,
  type OutboxEvent,
  type OutboxGap,
  type OutboxLife,
} from '../../domain/outbox/event.ts';
import { positionText, type StreamPosition } from '../../domain/outbox/position.ts';
import { ENDED_LIMIT } from '../projection/projection.ts';
import type { VmRecord } from '../vms/seen/vm-record.ts';
import { MissedLists } from './missed-lists.ts';
import { outboxLife } from './outbox-life.ts';

/** One event, or what is told instead of several that are lost. */
export type Told = { event: OutboxEvent } | { gap: OutboxGap };

/** Something that this replica saw, in the order in which it saw it. */
export type SeenItem = Told & {
  project: string;
  sequence: number;
  /** As it goes out to everybody who watches: made once. */
  block: string;
};

/** What a reader has missed. */
export type Missed =
  /** By the numbering of this replica: nothing comes twice. */
  | { kind: 'from'; sequence: number }
  /** By time: some of it may have been given out before. What came since goes on at `next`; `release` once it is read. */
  | { kind: 'all'; items: readonly MissedItem[]; next: number; release: () => void }
  /** Part of it is not kept any more. */
  | { kind: 'tooOld'; detail: string };

/** `block`: as it goes out. */
export interface MissedItem {
  told: Told;
  block: string;
}

type MissedList = { items: MissedItem[]; next: number } | Extract<Missed, { kind: 'tooOld' }>;

interface DatedItem {
  project: string;
  told: Told;
  /** RFC 3339. */
  at: string;
}

interface KnownLife {
  workflowId: string;
  life: OutboxLife;
  lastAtMs: number;
}

export interface OutboxLimits {
  /** Of what was seen of late. */
  recent: number;
  /** Lives that ended; the ones that ended first are forgotten first. */
  ended: number;
  /** What is given at once to a reader that missed more than is numbered. */
  missed: number;
}

const LIMITS: OutboxLimits = { recent: 10_000, ended: ENDED_LIMIT + 1000, missed: 50_000 };
/** Changes that are seen within this time go out together. */
const TOGETHER_MS = 20;

export class Outbox {
  readonly #limits: OutboxLimits;
  readonly #numbering = randomBytes(4).toString('hex');
  readonly #lives = new Map<string, KnownLife>();
  readonly #ended = new Set<string>();
  readonly #listeners = new Set<(from: number) => void>();
  #recent: SeenItem[] = [];
  /** Seen, and about to go out. */
  #fresh: DatedItem[] = [];
  #toldUntil = 1;
  #telling: NodeJS.Timeout | undefined;
  /** False until everything that is there at the start was read: that is no news. */
  #follows = false;
  #watermarkMs = 0;
  /** Lives whose last event is from before may be missing. */
  #keptSinceMs = 0;
  readonly #missedLists = new MissedLists<MissedList>();

  constructor(limits: Partial<OutboxLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** True once events come. */
  get follows(): boolean {
    return this.#follows;
  }

  /** Where a reader stands that has had all that went out. */
  get position(): string {
    return this.#positionAt(this.#toldUntil - 1);
  }

  /** Number that the next item to go out gets. */
  get toldUntil(): number {
    return this.#toldUntil;
  }

  get size(): number {
    return this.#lives.size;
  }

  /** Takes what Temporal shows of a VM; what is known of it already changes nothing. */
  take(record: VmRecord): void {
    const life = outboxLife(record);
    const known = this.#lives.get(life.uid);
    if (lastNumber(life) === 0 || (known !== undefined && !isNewer(life, known.life))) return;
    const atMs = lastAtMs(life);
    // One that ended so long ago that it was forgotten is no news.
    if (known === undefined && life.closed && atMs <= this.#keptSinceMs && this.#follows) return;
    this.#lives.set(life.uid, { workflowId: record.workflowId, life, lastAtMs: atMs });
    if (this.#follows) {
      this.#fresh.push(...itemsOf(life, eventsAfter(life, known === undefined ? 0 : lastNumber(known.life))));
      this.#telling ??= setTimeout(() => this.#tell(), TOGETHER_MS);
    }
    if (life.closed) this.#rememberEnded(life.uid);
  }

  /** All that was there is known: from now on what comes is news. `keptSinceMs`: lives that ended before were not read. */
  follow(keptSinceMs: number): void {
    this.#keptSinceMs = Math.max(this.#keptSinceMs, keptSinceMs);
    this.#follows = true;
  }

  /** Whatever happened up to then (epoch ms) has been seen. */
  sawAllUntil(ms: number): void {
    this.#watermarkMs = Math.max(this.#watermarkMs, ms);
  }

  /** Forgets the lives that live no more and whose end nobody can tell, as `isGone` says of their workflow ids. */
  forget(isGone: (workflowId: string) => boolean): void {
    for (const [uid, { workflowId, life }] of this.#lives) {
      if (!life.closed && isGone(workflowId)) this.#lives.delete(uid);
    }
  }

  /** Every life of a project with an event after `sinceMs` (epoch ms). */
  *livesSince(project: string, sinceMs: number): Generator<OutboxLife> {
    for (const { life, lastAtMs: atMs } of this.#lives.values()) {
      if (atMs > sinceMs && life.project === project) yield life;
    }
  }

  /** One event by its life and number; undefined where it is not kept. */
  find(project: string, uid: string, number: number): OutboxEvent | undefined {
    const life = this.#lives.get(uid)?.life;
    if (life?.project !== project) return undefined;
    return eventsAfter(life, number - 1).events.find((event) => event.number === number);
  }

  /** Lives whose last event is from before are not all kept here. Epoch ms. */
  get keptSinceMs(): number {
    return this.#keptSinceMs;
  }

  /** Whatever happened up to then has been seen here. Epoch ms. */
  get watermarkMs(): number {
    return this.#watermarkMs;
  }

  /** Calls `listener` with the number of the first item each time that some have gone out. Returns what ends that. */
  onTold(listener: (from: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Items that went out, from this number on; undefined where some of them are kept no more. */
  told(from: number, most = Infinity): SeenItem[] | undefined {
    const first = this.#recent[0]?.sequence ?? this.#toldUntil;
    return from < first ? undefined : this.#recent.slice(from - first, from - first + most);
  }

  /** What a reader missed that stood there. */
  missed(project: string, position: StreamPosition): Missed {
    const next = position.sequence + 1;
    if (position.numbering === this.#numbering && next <= this.#toldUntil && this.told(next, 0) !== undefined) {
      return { kind: 'from', sequence: next };
    }
    const { watermarkMs } = position;
    if (watermarkMs < this.#keptSinceMs) {
      return { kind: 'tooOld', detail: 'VMs that have ended since are not kept any more' };
    }
    const taken = this.#missedLists.take(project, watermarkMs, () => this.#missedSince(project, watermarkMs));
    if (taken === undefined)
      return { kind: 'tooOld', detail: 'Too many readers of the project go on from other places' };
    const { list, release } = taken;
    if (!('kind' in list) && this.told(list.next, 0) !== undefined) return { kind: 'all', ...list, release };
    release();
    return 'kind' in list ? list : { kind: 'tooOld', detail: 'Events come faster than what was missed can be told' };
  }

  close(): void {
    clearTimeout(this.#telling);
    this.#listeners.clear();
  }

  #missedSince(project: string, sinceMs: number): MissedList {
    const items: DatedItem[] = [];
    for (const life of this.livesSince(project, sinceMs)) {
      items.push(...itemsOf(life, eventsSince(life, sinceMs)));
      if (items.length > this.#limits.missed) {
        return { kind: 'tooOld', detail: `More than ${this.#limits.missed} events have come since` };
      }
    }
    return { items: byTime(items).map(({ told }) => ({ told, block: blockOf(told) })), next: this.#toldUntil };
  }

  #tell(): void {
    this.#telling = undefined;
    const from = this.#toldUntil;
    for (const { project, told } of byTime(this.#fresh)) {
      const sequence = this.#toldUntil++;
      const block = `id: ${this.#positionAt(sequence)}\n${blockOf(told)}`;
      this.#recent.push({ ...told, project, sequence, block });
    }
    this.#fresh = [];
    this.#missedLists.dropUnread();
    // A tenth at a time: one by one would copy the whole list for each.
    const surplus = this.#recent.length - Math.max(this.#limits.recent, this.#toldUntil - from);
    if (surplus > this.#limits.recent / 10) this.#recent = this.#recent.slice(surplus);
    for (const listener of this.#listeners) listener(from);
  }

  #positionAt(sequence: number): string {
    return positionText({ watermarkMs: this.#watermarkMs, numbering: this.#numbering, sequence });
  }

  #rememberEnded(uid: string): void {
    this.#ended.delete(uid);
    this.#ended.add(uid);
    for (const first of this.#ended) {
      if (this.#ended.size <= this.#limits.ended) return;
      this.#keptSinceMs = Math.max(this.#keptSinceMs, this.#lives.get(first)?.lastAtMs ?? 0);
      this.#lives.delete(first);
      this.#ended.delete(first);
    }
  }
}

function itemsOf(
  { project }: OutboxLife,
  { gap, events }: { gap?: OutboxGap; events: readonly OutboxEvent[] },
): DatedItem[] {
  const items: DatedItem[] = events.map((event) => ({ project, told: { event }, at: event.at }));
  const [first] = items;
  return gap === undefined || first === undefined ? items : [{ project, told: { gap }, at: first.at }, ...items];
}

/** Events of one VM stay in their order, also where its clock was set back. */
function byTime(items: readonly DatedItem[]): DatedItem[] {
  const latest = new Map<string, string>();
  const placed = items.map((item) => {
    const { uid } = 'event' in item.told ? item.told.event : item.told.gap;
    const before = latest.get(uid) ?? '';
    const place = item.at < before ? before : item.at;
    latest.set(uid, place);
    return { item, place };
  });
  return placed.sort((a, b) => (a.place < b.place ? -1 : Number(a.place > b.place))).map(({ item }) => item);
}

function isNewer(life: OutboxLife, known: OutboxLife): boolean {
  const difference = lastNumber(life) - lastNumber(known);
  return difference > 0 || (difference === 0 && life.closed && !known.closed);
}

function blockOf(told: Told): string {
  return 'event' in told
    ? `event: vm\ndata: ${JSON.stringify(told.event)}\n\n`
    : `event: gap\ndata: ${JSON.stringify(told.gap)}\n\n`;
}
