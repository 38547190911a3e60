/**
 * Spends a join token by having been started: its id is the token's, and no second start of it is accepted. What the host
 * may know again is in its memo, so no worker is needed for a host to join.
 */
export function join(): Promise<void> {
  return Promise.resolve();
}
