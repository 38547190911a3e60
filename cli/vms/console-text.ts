/** What of a console is new: the API gives its last 64 KiB, again and again. */

/** As much of the end of what was printed is looked for; a console that repeats itself for longer is rare. */
const TAIL_LENGTH = 8192;
const MISSED = '\n… some of the console was missed …\n';

/** What `next` has after the end of `before`. */
export function newText(before: string, next: string): string {
  if (next.startsWith(before)) return next.slice(before.length);
  const tail = before.slice(-TAIL_LENGTH);
  const at = next.lastIndexOf(tail);
  return at === -1 ? `${MISSED}${next}` : next.slice(at + tail.length);
}
