/** What is read once for everybody who asks while it is young enough. */
export class SharedRead<Value> {
  readonly #read: () => Promise<Value>;
  #latest: { at: number; value: Promise<Value> } | undefined;

  constructor(read: () => Promise<Value>) {
    this.#read = read;
  }

  /** As it was read at most `maxAgeMs` ago. Rejects as the read does, for all who share it; a failure is not kept. */
  get(maxAgeMs: number): Promise<Value> {
    const now = performance.now();
    if (this.#latest === undefined || now - this.#latest.at > maxAgeMs) {
      const begun = { at: now, value: this.#read() };
      this.#latest = begun;
      begun.value.catch(() => {
        if (this.#latest === begun) this.#latest = undefined;
      });
    }
    return this.#latest.value;
  }

  /** Whoever asks next gets what is read from now on. */
  forget(): void {
    this.#latest = undefined;
  }
}
