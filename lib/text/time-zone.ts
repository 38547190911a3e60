/** Wall clocks of time zones, by the rules that come with Node. */

const SECOND_MS = 1000;
/** No zone changes its offset twice within so long. */
const STRETCH_MS = 6 * 3_600_000;
/** By name in lower case: Node takes a name in any case, and anybody may spell one in more ways than fit into memory. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** Offsets within one stretch of time: one until `change` (epoch ms), another one from then on. */
interface Stretch {
  before: number;
  after: number;
  change: number;
}

/**
 * The offset of a zone from UTC at an instant (epoch ms), in ms. Node is asked a few times for each stretch of time, however
 * many instants of it are looked at. @throws RangeError where Node knows no such zone.
 */
export function offsetIn(zone: string): (instant: number) => number {
  const format = formatOf(zone);
  const stretches = new Map<number, Stretch>();
  return (instant) => {
    const number = Math.floor(instant / STRETCH_MS);
    let stretch = stretches.get(number);
    if (stretch === undefined) {
      stretch = stretchFrom(number * STRETCH_MS, format);
      stretches.set(number, stretch);
    }
    return instant < stretch.change ? stretch.before : stretch.after;
  };
}

/** Whether Node knows a time zone of this IANA name. */
export function isTimeZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

function stretchFrom(start: number, format: Intl.DateTimeFormat): Stretch {
  const [before, after] = [offsetAt(start, format), offsetAt(start + STRETCH_MS, format)];
  if (before === after) return { before, after, change: start };
  let [last, change] = [start, start + STRETCH_MS];
  while (change - last > 1) {
    const middle = Math.floor((last + change) / 2);
    if (offsetAt(middle, format) === before) last = middle;
    else change = middle;
  }
  return { before, after, change };
}

function offsetAt(instant: number, format: Intl.DateTimeFormat): number {
  const parts = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const local = Date.UTC(year, month - 1, day, hour, minute, second);
  return local - Math.floor(instant / SECOND_MS) * SECOND_MS;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const name = timeZone.toLowerCase();
  let format = formats.get(name);
  if (format === undefined) {
    const numbers = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric' } as const;
    const more = { minute: 'numeric', second: 'numeric', hourCycle: 'h23', calendar: 'gregory' } as const;
    format = new Intl.DateTimeFormat('en-US', { ...numbers, ...more, timeZone: name });
    formats.set(name, format);
  }
  return format;
}
