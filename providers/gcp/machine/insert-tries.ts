import { TIMEOUTS } from '../../../domain/timeouts.ts';

/** No create goes on for longer, so nobody asks for what is older. */
const KEPT_MS = TIMEOUTS.createTotalSeconds * 1000;

/**
 * Which try of an insert is next where earlier ones are known to have failed, by machine and zone. What is forgotten is
 * only replayed, one call each. Creates that fail for good or are given up leave theirs behind until it is too old.
 */
export class InsertTries {
  /** The one noted longest ago comes first. */
  private readonly tries = new Map<string, { next: number; notedAt: number }>();
  private readonly now: () => number;

  /** @param now epoch ms */
  constructor(now: () => number) {
    this.now = now;
  }

  get size(): number {
    return this.tries.size;
  }

  next(key: string): number {
    return this.tries.get(key)?.next ?? 0;
  }

  note(key: string, next: number): void {
    const notedAt = this.now();
    this.tries.delete(key);
    this.tries.set(key, { next, notedAt });
    for (const [old, { notedAt: at }] of this.tries) {
      if (notedAt - at <= KEPT_MS) break;
      this.tries.delete(old);
    }
  }

  forget(key: string): void {
    this.tries.delete(key);
  }
}
