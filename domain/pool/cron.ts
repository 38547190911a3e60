/**
 * Cron expressions of five fields, and when they fire. Times are epoch ms; a wall clock is read by an offset that the caller
 * gives, for the rules of time zones change and workflows must not compute with them.
 */

/** Offset of a wall clock from UTC at an instant, in ms: local time = instant + offset. */
export type OffsetAt = (instant: number) => number;

export interface Cron {
  /** Minutes of a day at which it fires, ascending. */
  minutes: readonly number[];
  days: ReadonlySet<number>;
  months: ReadonlySet<number>;
  /** 0 is Sunday. */
  weekdays: ReadonlySet<number>;
  /** Days of month and weekdays are both given: either of them is enough, as in crontab(5). */
  isEitherDay: boolean;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** From one 29th of February to the next it may be eight years. */
const MOST_DAYS = 8 * 366;
/** No clock is put forward or back by more at once. */
const MOST_SHIFT_MS = 3 * 3_600_000;

interface Field {
  least: number;
  most: number;
  names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FIELDS: readonly Field[] = [
  { least: 0, most: 59 },
  { least: 0, most: 23 },
  { least: 1, most: 31 },
  { least: 1, most: 12, names: MONTHS },
  { least: 0, most: 7, names: WEEKDAYS },
];

/** Minute, hour, day of month, month, weekday; with lists, ranges, steps and English names. Undefined: it is none. */
export function parseCron(text: string): Cron | undefined {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== FIELDS.length) return undefined;
  const sets = FIELDS.map((field, at) => valuesOf(parts[at] ?? '', field));
  const [minutes, hours, days, months, weekdays] = sets;
  if (!minutes || !hours || !days || !months || !weekdays) return undefined;
  const isEitherDay = parts[2] !== '*' && parts[4] !== '*';
  const times = [...hours].flatMap((hour) => [...minutes].map((minute) => hour * 60 + minute));
  return {
    ...{ days, months, isEitherDay, minutes: times.sort((a, b) => a - b) },
    weekdays: new Set([...weekdays].map((day) => day % 7)),
  };
}

function valuesOf(text: string, field: Field): Set<number> | undefined {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(?:\*|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/(\d{1,3}))?$/.exec(part.toLowerCase());
    if (match === null) return undefined;
    const [, from, to, step] = match;
    const first = from === undefined ? field.least : valueOf(from, field);
    // A single value with a step goes on to the end.
    const last = to !== undefined ? valueOf(to, field) : from === undefined || step !== undefined ? field.most : first;
    if (first === undefined || last === undefined || first > last || step === '0') return undefined;
    for (let value = first; value <= last; value += Number(step ?? 1)) values.add(value);
  }
  return values;
}

function valueOf(text: string, { least, most, names = [] }: Field): number | undefined {
  const named = names.indexOf(text);
  if (named >= 0) return least + named;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : -1;
  return value >= least && value <= most ? value : undefined;
}

/** The first time after an instant; null: never. */
export function nextFiring(cron: Cron, after: number, offsetAt: OffsetAt): number | null {
  const local = after + offsetAt(after) - marginAt(after, offsetAt);
  const today = Math.floor((after + offsetAt(after)) / DAY_MS);
  for (let day = today - 1; day < today + MOST_DAYS; day += 1) {
    const times = firesOn(cron, day) ? timesOf(cron, day).filter((time) => time >= local) : [];
    const first = firstThat(times, offsetAt, (instant) => instant > after);
    if (first !== null) return first;
  }
  return null;
}

/** The last time at or before an instant; null: never. */
export function lastFiring(cron: Cron, at: number, offsetAt: OffsetAt): number | null {
  const local = at + offsetAt(at) + marginAt(at, offsetAt);
  const today = Math.floor((at + offsetAt(at)) / DAY_MS);
  for (let day = today + 1; day > today - MOST_DAYS; day -= 1) {
    const times = firesOn(cron, day) ? timesOf(cron, day).filter((time) => time <= local) : [];
    const last = firstThat(times.reverse(), offsetAt, (instant) => instant <= at, Math.max);
    if (last !== null) return last;
  }
  return null;
}

function timesOf({ minutes }: Cron, day: number): number[] {
  return minutes.map((minute) => day * DAY_MS + minute * MINUTE_MS);
}

/** Of local times in their order; where the clock is put forward, their instants have another one. */
function firstThat(
  times: readonly number[],
  offsetAt: OffsetAt,
  isGood: (instant: number) => boolean,
  nearer: (a: number, b: number) => number = Math.min,
): number | null {
  for (const [index, time] of times.entries()) {
    const instant = instantOf(time, offsetAt);
    if (!isGood(instant)) continue;
    if (marginAt(instant, offsetAt) === 0) return instant;
    const near = times.slice(index).filter((other) => Math.abs(other - time) <= MOST_SHIFT_MS);
    return near
      .map((other) => instantOf(other, offsetAt))
      .filter(isGood)
      .reduce((a, b) => nearer(a, b));
  }
  return null;
}

/** How far local times have to be looked at one by one: only where the clock is put forward or back. */
function marginAt(instant: number, offsetAt: OffsetAt): number {
  return offsetAt(instant - MOST_SHIFT_MS) === offsetAt(instant + MOST_SHIFT_MS) ? 0 : MOST_SHIFT_MS;
}

/** `day`: since 1970-01-01, by the wall clock. */
function firesOn({ days, months, weekdays, isEitherDay }: Cron, day: number): boolean {
  const date = new Date(day * DAY_MS);
  if (!months.has(date.getUTCMonth() + 1)) return false;
  const [isDay, isWeekday] = [days.has(date.getUTCDate()), weekdays.has(date.getUTCDay())];
  return isEitherDay ? isDay || isWeekday : isDay && isWeekday;
}

/** A time that the clock skips is as much later as the clock is put forward. */
function instantOf(local: number, offsetAt: OffsetAt): number {
  return local - offsetAt(local - offsetAt(local));
}
