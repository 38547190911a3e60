/** How far a reader of the outbox is that has to be told each event, whichever replica it asks next. */
import {
  eventsAfter,
  eventsSince,
  isWanted,
  type EventFilter,
  type OutboxEvent,
  type OutboxGap,
  type OutboxLife,
} from './event.ts';

/** What a replica sees of a VM may be older than what another one saw; it is no older than this. */
const OVERLAP_MS = 30_000;

export interface OutboxCursor {
  /** Everything up to then was taken, of lives that are not in `seen`. Epoch ms. */
  sinceMs: number;
  /** Of each life with an event after that: the last number that was taken, and when that event happened, epoch ms. */
  seen: Record<string, readonly [number: number, atMs: number]>;
}

/** One event or gap, with the moment by which it has its place. */
export type DatedTold = ({ event: OutboxEvent } | { gap: OutboxGap }) & { at: string };

export interface Collected {
  /** What is wanted of what was taken, oldest first; events of one VM in their order. */
  items: DatedTold[];
  cursor: OutboxCursor;
}

export function beginningNow(at: number): OutboxCursor {
  return { sinceMs: at, seen: {} };
}

export interface CollectOptions {
  filter: EventFilter;
  /** As many are taken at once, wanted or not. */
  most: number;
  /** These lives are all with events until then, epoch ms; 0: nobody knows. */
  completeUntilMs: number;
}

/** Takes the oldest events of these lives that were not taken before. */
export function collected(
  lives: Iterable<OutboxLife>,
  cursor: OutboxCursor,
  { filter, most, completeUntilMs }: CollectOptions,
): Collected {
  const found: { uid: string; number: number; told: DatedTold; order: number }[] = [];
  const waiting = oldestFirst(lives, cursor);
  /** Nothing that happened later is taken in this go, so nobody puts together the rest of a long backlog. */
  let bound: string | undefined;
  let looked = 0;
  for (const { life, at, order } of waiting) {
    if (bound !== undefined && at > bound) break;
    looked += 1;
    const last = cursor.seen[life.uid];
    const { gap, events } = last === undefined ? eventsSince(life, cursor.sinceMs) : eventsAfter(life, last[0]);
    const [first] = events;
    if (gap !== undefined && first !== undefined)
      found.push({ uid: life.uid, number: gap.to, told: { gap, at: first.at }, order });
    for (const event of events) {
      found.push({ uid: life.uid, number: event.number, told: { event, at: event.at }, order });
    }
    if (bound === undefined && found.length >= most) bound = found.map(({ told }) => told.at).sort()[most - 1];
  }
  found.sort((a, b) => Date.parse(a.told.at) - Date.parse(b.told.at) || a.order - b.order);
  const taken = found.slice(0, most);
  const newestMs = Date.parse(taken.at(-1)?.told.at ?? '') || 0;
  const isAll = looked === waiting.length && found.length <= most;
  const untilMs = isAll ? Math.max(newestMs, completeUntilMs) : newestMs;
  const sinceMs = Math.max(cursor.sinceMs, untilMs - OVERLAP_MS);
  const seen = new Map(Object.entries(cursor.seen));
  for (const { uid, number, told } of taken) seen.set(uid, [number, Date.parse(told.at)]);
  const recent = [...seen].filter(([, [, atMs]]) => atMs >= sinceMs);
  const items = taken
    .map(({ told }) => told)
    .filter((told) => isWanted(filter, 'event' in told ? told.event : told.gap));
  return { items, cursor: { sinceMs, seen: Object.fromEntries(recent) } };
}

interface Waiting {
  life: OutboxLife;
  /** When the first of it happened. */
  at: string;
  /** Among the lives: of what happened in the same moment the first one goes first. */
  order: number;
}

/** The lives with something to take, by when the first of it happened. */
function oldestFirst(lives: Iterable<OutboxLife>, { sinceMs, seen }: OutboxCursor): Waiting[] {
  const since = new Date(sinceMs).toISOString();
  const waiting: Waiting[] = [];
  for (const life of lives) {
    const last = seen[life.uid]?.[0];
    const first = life.timeline.find(({ number, at }) => (last === undefined ? at > since : number > last));
    if (first !== undefined) waiting.push({ life, at: first.at, order: waiting.length });
  }
  return waiting.sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
}
