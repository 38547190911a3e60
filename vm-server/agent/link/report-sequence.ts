/** Makes the sequence numbers of reports: each larger than the last one, also across restarts of the agent. */
export function reportSequence(now: () => number = Date.now): () => number {
  let last = 0;
  return () => {
    last = Math.max(last + 1, now());
    return last;
  };
}
