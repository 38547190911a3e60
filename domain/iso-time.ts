/** Epoch ms as RFC 3339, the form in which times leave workflows. */
export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
