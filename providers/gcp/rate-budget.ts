import type { CancelSignal } from '../../domain/machine-provider.ts';

/** What a call is for. Destroys may use the whole budget, everything else leaves them their share. */
export type CallPurpose = 'destroy' | 'other';

export interface RateBudgetOptions {
  /** Calls a second that the project's API quota allows us. */
  callsPerSecond: number;
  /** Calls that may be made at once after a quiet time. */
  burst: number;
  /** The part of the burst that only destroys may use, 0 to 1. */
  reservedForDestroys: number;
}

interface Waiting {
  resolve: () => void;
}

/** A token bucket with two queues: destroys go first, and creates cannot take the last tokens. */
export class RateBudget {
  private readonly options: RateBudgetOptions;
  private readonly queues: Record<CallPurpose, Set<Waiting>> = { destroy: new Set(), other: new Set() };
  private tokens: number;
  private refilledAt = performance.now();
  private timer: NodeJS.Timeout | undefined;

  constructor(options: RateBudgetOptions) {
    this.options = options;
    this.tokens = options.burst;
  }

  /** Resolves when the call may be made; rejects with the reason of an aborted signal. */
  async take(purpose: CallPurpose, signal: CancelSignal): Promise<void> {
    signal.throwIfAborted();
    const queue = this.queues[purpose];
    let forget = (): void => undefined;
    await new Promise<void>((resolve) => {
      const waiting: Waiting = { resolve };
      queue.add(waiting);
      this.serve();
      if (!queue.has(waiting)) return;
      forget = whenAborted(signal, () => {
        queue.delete(waiting);
        resolve();
      });
    });
    forget();
    signal.throwIfAborted();
  }

  private serve(): void {
    const { burst, callsPerSecond, reservedForDestroys } = this.options;
    const now = performance.now();
    this.tokens = Math.min(burst, this.tokens + ((now - this.refilledAt) / 1000) * callsPerSecond);
    this.refilledAt = now;
    this.grant('destroy', 0);
    this.grant('other', burst * reservedForDestroys);
    const isWaiting = this.queues.destroy.size + this.queues.other.size > 0;
    if (!isWaiting || this.timer !== undefined) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.serve();
      },
      Math.max(1, 1000 / callsPerSecond),
    );
  }

  private grant(purpose: CallPurpose, floor: number): void {
    for (const waiting of this.queues[purpose]) {
      if (this.tokens - 1 < floor) return;
      this.tokens -= 1;
      this.queues[purpose].delete(waiting);
      waiting.resolve();
    }
  }
}

/** Calls back when the signal aborts, where the signal can tell; the domain's own type has no events. */
export function whenAborted(signal: CancelSignal, callback: () => void): () => void {
  if (!(signal instanceof AbortSignal)) return () => undefined;
  signal.addEventListener('abort', callback, { once: true });
  return () => signal.removeEventListener('abort', callback);
}
