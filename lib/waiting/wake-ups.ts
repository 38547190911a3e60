/** Those who wait to be woken: each is woken by its entry, which is gone once it does not wait any more. */
export type Sleepers = Set<() => void>;

/** Resolves when woken, or after `ms` (null: never); rejects with the reason of the signal. */
export function wokenOrAfter(sleepers: Sleepers, ms: number | null, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      sleepers.delete(wake);
      settle();
    };
    const wake = (): void => end(resolve);
    const aborted = (): void => end(() => reject(signal.reason as Error));
    const timer = ms === null ? undefined : setTimeout(wake, ms);
    sleepers.add(wake);
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) aborted();
  });
}

export function wakeAll(sleepers: Sleepers): void {
  for (const wake of [...sleepers]) wake();
}
