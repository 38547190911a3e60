/**
 * Tells a sender that trickles from one that is slow: each byte comes before anybody would call it stalled, and all of them never. Only
 * the time counts in which it was waited for.
 */
export class Trickle {
  readonly #patienceMs: number;
  readonly #bytesPerSecond: number;
  #waitedMs = 0;
  #bytes = 0;

  /** Who brings less than so many bytes a second is given up once it was waited for longer than `patienceMs`. */
  constructor(patienceMs: number, bytesPerSecond = 1024) {
    this.#patienceMs = patienceMs;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** `bytes` came after so long. True: it trickles. */
  came(bytes: number, afterMs: number): boolean {
    this.#waitedMs += afterMs;
    this.#bytes += bytes;
    return this.isTooSlow(0);
  }

  /** The same while more is waited for, since so long. */
  isTooSlow(sinceMs: number): boolean {
    const waitedMs = this.#waitedMs + sinceMs;
    return waitedMs > this.#patienceMs && this.#bytes * 1000 < this.#bytesPerSecond * waitedMs;
  }
}
