import { TIMEOUTS } from '../../../domain/timeouts.ts';
import type { UsageChange } from '../counting/app-usage.ts';

const CHANGE_GAP_MS = 100;
const ALIVE_INTERVAL_MS = TIMEOUTS.agentReportIntervalSeconds * 1000;

/**
 * Decides when a report goes over a channel: at once on an edge, at most one each {@link CHANGE_GAP_MS} for
 * other changes, and one each {@link ALIVE_INTERVAL_MS} when nothing happens.
 */
export class ReportPacer {
  readonly #send: () => void;
  #sentAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: () => void) {
    this.#send = send;
  }

  /** Sends now and starts the waiting anew. */
  sendNow(): void {
    this.noteSent();
    this.#send();
  }

  /** A report went out by another way, such as an answer. */
  noteSent(): void {
    this.#sentAt = performance.now();
    this.#sendIn(ALIVE_INTERVAL_MS);
  }

  changed(change: UsageChange): void {
    const waitMs = this.#sentAt + CHANGE_GAP_MS - performance.now();
    if (change === 'edge' || waitMs <= 0) this.sendNow();
    else this.#sendIn(waitMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #sendIn(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.sendNow(), delayMs);
  }
}
