import { setTimeout as sleep } from 'node:timers/promises';
import { progress } from './bench-report.ts';

/** Benches end in time: what is not done by then is left out, and it is said what that was. */
export class TimeLimit {
  readonly #seconds: number;
  readonly #endsAt: number;

  constructor(seconds: number) {
    this.#seconds = seconds;
    this.#endsAt = performance.now() + seconds * 1000;
  }

  get isOver(): boolean {
    return performance.now() >= this.#endsAt;
  }

  /** What the work came to, or undefined when the time was over first: then `what` is said. Failures pass. */
  async within<Result>(what: string, work: Promise<Result>): Promise<Result | undefined> {
    const ended = new AbortController();
    const late = sleep(Math.max(0, this.#endsAt - performance.now()), undefined, { signal: ended.signal, ref: false });
    late.catch(() => undefined);
    work.catch(() => undefined);
    try {
      const result = await Promise.race([work.then((value) => ({ value })), late]);
      if (result === undefined) {
        progress(`${what} took longer than ${this.#seconds} s: what follows is partial`);
        // Calls that nobody waits for any more fail out of timers once the connection is closed.
        process.on('uncaughtException', (error) => progress(`afterwards: ${error.message}`));
      }
      return result?.value;
    } finally {
      ended.abort();
    }
  }
}

/** Says how far the bench is each ten seconds, until the returned function is called. */
export function saysHowFar(text: () => string): () => void {
  const timer = setInterval(() => progress(text()), 10_000);
  return () => clearInterval(timer);
}
