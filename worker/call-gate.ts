/** Lets so many pieces of work run at a time; the others wait in the order of asking. */
export class CallGate {
  private readonly limit: number;
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.running >= this.limit) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running += 1;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      // Whoever waits takes the place that becomes free.
      if (next === undefined) this.running -= 1;
      else next();
    }
  }
}
