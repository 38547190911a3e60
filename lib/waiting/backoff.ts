import { setTimeout as sleep } from 'node:timers/promises';

const USUAL: Backoff = { firstMs: 100, longestMs: 5000 };

/** Pauses that double from failure to failure. */
export interface Backoff {
  firstMs: number;
  longestMs: number;
}

/** The pause after so many failures before (0: the first one), with jitter: between a half and the whole of it. */
export function backoffMs({ firstMs, longestMs }: Backoff, failures: number): number {
  return Math.min(longestMs, firstMs * 2 ** failures) * (0.5 + Math.random() / 2);
}

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
    await sleep(backoffMs(USUAL, failures), undefined, { signal }).catch(() => undefined);
  }
}
