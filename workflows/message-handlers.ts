/**
 * Signals in the order in which they were sent. Those that come before a run has handlers, as when it was just continued as
 * new, the SDK gives to each handler as that is set: a stop sent after a start would be heard before it.
 */
import { setDefaultSignalHandler, setHandler, type SignalDefinition } from '@temporalio/workflow';
import type { UpdateDefinition } from '@temporalio/common';
import { hearsSignalsInOrder } from './patches.ts';

interface EarlySignal {
  name: string;
  args: unknown[];
}

export class MessageHandlers {
  readonly #early: EarlySignal[] = [];
  readonly #signals = new Map<string, (args: unknown[]) => void>();
  readonly #sets: { signals: (() => void)[]; updates: (() => void)[] } = { signals: [], updates: [] };
  #hasBegun = false;

  /** From now on no signal is lost, and none is heard before {@link MessageHandlers.begin}. */
  constructor() {
    setDefaultSignalHandler((name, ...args) => {
      if (this.#hasBegun) this.#signals.get(name)?.(args);
      else this.#early.push({ name, args });
    });
  }

  onSignal<Args extends unknown[]>(signal: SignalDefinition<Args>, handler: (...args: NoInfer<Args>) => void): void {
    this.#signals.set(signal.name, (args) => handler(...(args as Args)));
    this.#sets.signals.push(() => setHandler(signal, handler));
  }

  onUpdate<Result, Args extends unknown[]>(
    update: UpdateDefinition<Result, Args>,
    handler: (...args: NoInfer<Args>) => Result | Promise<Result>,
    options?: { validator: (...args: NoInfer<Args>) => void },
  ): void {
    this.#sets.updates.push(() => (options ? setHandler(update, handler, options) : setHandler(update, handler)));
  }

  /** Hears what has come, the signals first. What nothing is done with is left aside. */
  begin(): void {
    for (const set of this.#sets.signals) set();
    this.#hasBegun = true;
    const early = this.#early.splice(0);
    for (const { name, args } of isInOrder(early) ? early : this.#asSet(early)) this.#signals.get(name)?.(args);
    setDefaultSignalHandler(undefined);
    for (const set of this.#sets.updates) set();
  }

  /** As runs of before heard them. */
  #asSet(early: readonly EarlySignal[]): EarlySignal[] {
    const names = [...this.#signals.keys()];
    return [...early].sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
  }
}

/** Where all are of one kind nothing can be out of order, and nothing is noted in the history. */
function isInOrder(early: readonly EarlySignal[]): boolean {
  return new Set(early.map(({ name }) => name)).size < 2 || hearsSignalsInOrder();
}
