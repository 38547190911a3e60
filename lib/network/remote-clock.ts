/** How old what another computer dated is, by its clock alone: the clock of this one may be minutes off, or be set meanwhile. */
const WINDOW_MS = 300_000;

/**
 * Learns from times that the other computer said just now. Each was said before it came, so of some of them the one that
 * took least on its way tells best where the two clocks stand: to within that time, never the other way round.
 */
export class RemoteClock {
  readonly #ticks: () => number;
  /** Ticks here minus the other's time, the least of this window and of the one before. */
  #least = Infinity;
  #leastBefore = Infinity;
  #windowEnd = 0;

  /** `ticks`: ms by a clock that nobody sets; only tests give another. */
  constructor(ticks: () => number = () => performance.now()) {
    this.#ticks = ticks;
  }

  /** The other computer said `time` (epoch ms by its clock) at this moment or some time before. */
  heard(time: number): void {
    const now = this.#ticks();
    if (now >= this.#windowEnd) {
      this.#leastBefore = now >= this.#windowEnd + WINDOW_MS ? Infinity : this.#least;
      this.#least = Infinity;
      this.#windowEnd = now + WINDOW_MS;
    }
    this.#least = Math.min(this.#least, now - time);
  }

  /** Ms since the other computer's clock showed `time`, at most by what messages take too little; 0 before anything was heard. */
  since(time: number): number {
    const offset = Math.min(this.#least, this.#leastBefore);
    return offset === Infinity ? 0 : Math.max(0, this.#ticks() - offset - time);
  }
}
