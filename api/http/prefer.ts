/** `Prefer` of RFC 7240: what a caller would like, of which this API knows one thing. */

const APPLIED = 'respond-async';

/** Whether the caller wants its request written down and done later, instead of an answer when it is done. */
export function prefersToBeAnsweredLater(prefer: string | undefined): boolean {
  return (prefer ?? '').split(',').some((preference) => nameOf(preference) === APPLIED);
}

/** Says in an answer that this was heeded. */
export const PREFERENCE_APPLIED = { 'preference-applied': APPLIED } as const;

/** Names of preferences ignore case; parameters after a semicolon say nothing here. */
function nameOf(preference: string): string {
  return (preference.split(';')[0] ?? '').trim().toLowerCase();
}
