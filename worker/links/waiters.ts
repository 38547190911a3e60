/**
 * Those who wait for something that this process will hear. Each wait ends once: with the first thing heard that
 * answers it, with the reason of its signal, or when nothing will be heard any more; then nothing of it is left here.
 */
export class Waiters<Heard> {
  readonly #waiting = new Set<Waiter<Heard>>();
  #closed: Error | null = null;

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Resolves with what `answerOf` makes of the first thing heard that is not undefined, and rejects with what it
   * throws. Errors besides: the reason of an aborted signal, the reason of {@link close}.
   */
  wait<Answer>(answerOf: (heard: Heard) => Answer | undefined, signal: AbortSignal): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const end = (how: () => void): void => {
        this.#waiting.delete(waiter);
        signal.removeEventListener('abort', abort);
        how();
      };
      const fail = (error: Error): void => end(() => reject(error));
      const abort = (): void => fail(signal.reason as Error);
      const waiter: Waiter<Heard> = {
        fail,
        hear: (heard) => {
          try {
            const answer = answerOf(heard);
            if (answer !== undefined) end(() => resolve(answer));
          } catch (error) {
            fail(error as Error);
          }
        },
      };
      if (this.#closed !== null) fail(this.#closed);
      else if (signal.aborted) abort();
      else {
        this.#waiting.add(waiter);
        signal.addEventListener('abort', abort, { once: true });
      }
    });
  }

  hear(heard: Heard): void {
    for (const waiter of [...this.#waiting]) waiter.hear(heard);
  }

  /** Nothing is heard any more: whoever waits, now or later, is rejected with the reason. */
  close(reason: Error): void {
    this.#closed ??= reason;
    for (const waiter of [...this.#waiting]) waiter.fail(this.#closed);
  }
}

interface Waiter<Heard> {
  hear: (heard: Heard) => void;
  fail: (error: Error) => void;
}
