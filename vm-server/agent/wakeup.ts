const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A wait that somebody else can end early. */
export class Wakeup {
  #wake: (() => void) | undefined;

  /** Resolves after `ms` (Infinity: never by itself), or at the next {@link wake}. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms < LONGEST_TIMER_MS ? setTimeout(() => this.wake(), ms) : undefined;
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
