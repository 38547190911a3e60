/** A text that two JSON values share when they say the same in every field, in whatever order. */
export function orderedText(value: unknown): string {
  return JSON.stringify(ordered(value));
}

/** A value goes through JSON on its way, and may come back with its fields in another order. */
export function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const known = Object.entries(value).filter(([, one]) => one !== undefined);
  const entries = known.map(([key, one]): [string, unknown] => [key, ordered(one)]);
  return entries.sort(([a], [b]) => (a < b ? -1 : 1));
}
