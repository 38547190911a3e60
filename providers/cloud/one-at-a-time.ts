import type { CancelSignal } from '../../domain/machine/provider.ts';
import { orAborted } from './api-calls.ts';

/** Lets what concerns one machine or image happen in this process one after the other, in the order in which it was asked for. */
export class OneAtATime {
  private readonly last = new Map<string, Promise<void>>();

  /** The outcome of `work`; rejects with the reason of a signal that aborts while it waits for its turn. */
  async run<Value>(key: string, signal: CancelSignal, work: () => Promise<Value>): Promise<Value> {
    signal.throwIfAborted();
    const before = this.last.get(key) ?? Promise.resolve();
    let release = (): void => undefined;
    const mine = new Promise<void>((resolve) => {
      release = resolve;
    });
    // Who comes next waits for both, also where this one gives up before its turn.
    const tail = before.then(() => mine);
    this.last.set(key, tail);
    void tail.then(() => {
      if (this.last.get(key) === tail) this.last.delete(key);
    });
    try {
      await orAborted(before, signal);
      return await work();
    } finally {
      release();
    }
  }
}
