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

/** Clocks differ: what a replica says to have seen until a moment is trusted up to so long before. */
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
  /** These lives are all with events until then, epoch ms; 0: nobody knows. Events from after it may still show up late. */
  completeUntilMs: number;
}

/** Takes the oldest events of these lives that were not taken before. */
export function collected(
  lives: Iterable<OutboxLife>,
  cursor: OutboxCursor,
  { filter, most, completeUntilMs }: CollectOptions,
): Collected {
  const found: { uid: string; number: number; placeMs: number; told: DatedTold; order: number }[] = [];
  const waiting = oldestFirst(lives, cursor);
  /** Nothing that happened later is taken in this go, so nobody puts together the rest of a long backlog. */
  let boundMs = Infinity;
  let looked = 0;
  for (const { life, at, order } of waiting) {
    if (Date.parse(at) > boundMs) break;
    looked += 1;
    const { uid } = life;
    const last = cursor.seen[uid];
    const { gap, events } = last === undefined ? eventsSince(life, cursor.sinceMs) : eventsAfter(life, last[0]);
    const [first] = events;
    // A clock that was set back must not put an event before the one that it follows.
    let placeMs = last?.[1] ?? 0;
    if (gap !== undefined && first !== undefined) {
      placeMs = Math.max(placeMs, Date.parse(first.at));
      found.push({ uid, number: gap.to, placeMs, told: { gap, at: first.at }, order });
    }
    for (const event of events) {
      placeMs = Math.max(placeMs, Date.parse(event.at));
      found.push({ uid, number: event.number, placeMs, told: { event, at: event.at }, order });
    }
    if (boundMs === Infinity && found.length >= most) {
      boundMs = found.map((one) => one.placeMs).sort((a, b) => a - b)[most - 1] ?? Infinity;
    }
  }
  found.sort((a, b) => a.placeMs - b.placeMs || a.order - b.order);
  const taken = found.slice(0, most);
  const isAll = looked === waiting.length && found.length <= most;
  const takenUntilMs = isAll ? Infinity : (taken.at(-1)?.placeMs ?? 0);
  // Not the newest event that was taken: an older one of a life that nobody has seen yet may show up after it.
  const sinceMs = Math.max(cursor.sinceMs, Math.min(takenUntilMs, completeUntilMs) - OVERLAP_MS);
  const seen = new Map(Object.entries(cursor.seen));
  for (const { uid, number, placeMs } of taken) seen.set(uid, [number, placeMs]);
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
