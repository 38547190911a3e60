import { setTimeout as sleep } from 'node:timers/promises';

interface Wait {
  callers: number;
  stop: AbortController;
  settled: Promise<void>;
}

/** How long a caller waits at most. */
export interface CallersTime {
  /** On the clock of `performance.now()`, in ms. */
  until: number;
  /** Aborts when nobody waits for the answer any more. */
  gone: AbortSignal;
}

export function secondsLeft({ until, gone }: CallersTime): number {
  return gone.aborted ? 0 : Math.max(0, (until - performance.now()) / 1000);
}

/** Waits that many callers share: one question for each key, asked as long as anybody waits for its answer. */
export class SharedWaits {
  readonly #waits = new Map<string, Wait>();

  /**
   * Resolves with true when `ask` is done, with false when the time is over. Never rejects, if `ask` does not; `ask`
   * ends when its signal aborts.
   */
  async wait(key: string, ask: (stop: AbortSignal) => Promise<void>, time: CallersTime): Promise<boolean> {
    const seconds = secondsLeft(time);
    if (seconds === 0) return false;
    const wait = this.#waits.get(key) ?? this.#begin(key, ask);
    wait.callers += 1;
    const over = new AbortController();
    const giveUp = (): void => over.abort();
    time.gone.addEventListener('abort', giveUp);
    try {
      return await Promise.race([
        wait.settled.then(() => !wait.stop.signal.aborted),
        sleep(seconds * 1000, false, { signal: over.signal }).catch(() => false),
      ]);
    } finally {
      over.abort();
      time.gone.removeEventListener('abort', giveUp);
      wait.callers -= 1;
      if (wait.callers === 0) {
        if (this.#waits.get(key) === wait) this.#waits.delete(key);
        wait.stop.abort();
      }
    }
  }

  #begin(key: string, ask: (stop: AbortSignal) => Promise<void>): Wait {
    const stop = new AbortController();
    const wait: Wait = { callers: 0, stop, settled: ask(stop.signal) };
    this.#waits.set(key, wait);
    return wait;
  }
}
