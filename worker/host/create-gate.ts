import { TIMEOUTS } from '../../domain/timeouts.ts';
import { secondsSinceBoot } from '../../lib/processes/seconds-since-boot.ts';
import { wakeAll, wokenOrAfter, type Sleepers } from '../../lib/waiting/wake-ups.ts';

/**
 * Whether this host takes creates: while its lease is fresh and it is not cordoned. Who polls for creates waits here; who
 * got one while the gate was shut hands it back. The lease's age counts by this computer's own clock: a process that goes
 * on after a pause must take nothing before it has heard that its lease is over.
 */
export class CreateGate {
  #isResumed = false;
  #renewedAt = -Infinity;
  #restsUntil = -Infinity;
  readonly #waiting: Sleepers = new Set();
  readonly #now: () => number;

  /** `now` in seconds; it goes on while the process is stopped. */
  constructor(now: () => number = secondsSinceBoot) {
    this.#now = now;
  }

  get isOpen(): boolean {
    const now = this.#now();
    return this.#isResumed && now >= this.#restsUntil && now - this.#renewedAt < TIMEOUTS.leaseHeartbeatSeconds;
  }

  resume(): void {
    this.#isResumed = true;
    this.#wakeIfOpen();
  }

  pause(): void {
    this.#isResumed = false;
  }

  /**
   * This host can make no machine for now, and would fail creates faster than others make them. It takes none for that
   * long; the next confirmation of its lease after that opens the gate again.
   */
  rest(seconds: number): void {
    this.#restsUntil = this.#now() + seconds;
  }

  /** The lease was confirmed by a call that began at `at`, in seconds of the gate's clock. */
  renewed(at: number): void {
    this.#renewedAt = at;
    this.#wakeIfOpen();
  }

  /** Resolves when the gate is open; rejects with the reason of the signal. */
  async whenOpen(signal: AbortSignal): Promise<void> {
    while (!this.isOpen) await wokenOrAfter(this.#waiting, null, signal);
  }

  #wakeIfOpen(): void {
    if (this.isOpen) wakeAll(this.#waiting);
  }
}
