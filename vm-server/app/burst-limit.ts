/** Admits at most `most` events in any `windowMs`. */
export class BurstLimit {
  readonly #most: number;
  readonly #windowMs: number;
  #admittedAt: number[] = [];

  constructor(most: number, windowMs: number) {
    this.#most = most;
    this.#windowMs = windowMs;
  }

  admits(now: number): boolean {
    this.#admittedAt = this.#admittedAt.filter((at) => at > now - this.#windowMs);
    if (this.#admittedAt.length >= this.#most) return false;
    this.#admittedAt.push(now);
    return true;
  }
}
