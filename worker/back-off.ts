import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_MS = 100;
const LONGEST_MS = 5000;

/** Tries `work` until it succeeds, with growing pauses; rejects only with the reason of the signal. */
export async function retryForever<Result>(
  work: () => Promise<Result>,
  signal: AbortSignal,
  onFailure: (error: unknown) => void,
): Promise<Result> {
  for (let failures = 0; ; failures++) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!signal.aborted) onFailure(error);
    }
    const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
    await sleep(longest * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
  }
}
