const FIRST_BYTES = 4096;

/** The first bytes of what a command prints. They are copied: a machine that sends them one by one makes them no larger. */
export class KeptOutput {
  isTruncated = false;
  readonly #limitBytes: number;
  #kept = Buffer.alloc(0);
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get text(): string {
    return this.#kept.toString('utf8', 0, this.#bytes);
  }

  add(bytes: Uint8Array): void {
    const taken = bytes.subarray(0, this.#limitBytes - this.#bytes);
    if (taken.length < bytes.length) this.isTruncated = true;
    const needed = this.#bytes + taken.length;
    if (needed > this.#kept.length) {
      const grown = Buffer.alloc(Math.max(needed, 2 * this.#kept.length, FIRST_BYTES));
      grown.set(this.#kept.subarray(0, this.#bytes));
      this.#kept = grown;
    }
    this.#kept.set(taken, this.#bytes);
    this.#bytes = needed;
  }
}
