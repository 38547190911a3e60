import { retryForever } from '../../lib/waiting/backoff.ts';
import type { SignalOutcome } from './vm-signals.ts';

/** A state on its way to the workflow. */
export interface QueuedState {
  sequence: number;
  connections: number;
  /** When we got it from the agent, epoch ms. */
  receivedAt: number;
}

export interface SignalQueueOptions {
  send: (state: QueuedState) => Promise<SignalOutcome>;
  /** The workflow is closed: the queue is empty and stays so. */
  onNotFound: () => void;
  onFailure: (error: unknown) => void;
}

/**
 * States that the workflow has yet to hear, in order, each tried until it is delivered. While Temporal is down
 * only what still matters is kept: the latest state, and before it the latest of the other side of 0, because
 * "somebody was here" changes when the VM counts as idle.
 */
export class SignalQueue {
  private readonly options: SignalQueueOptions;
  private readonly stopped = new AbortController();
  private waiting: QueuedState[] = [];
  private sending: Promise<void> | null = null;

  constructor(options: SignalQueueOptions) {
    this.options = options;
  }

  add(state: QueuedState): void {
    if (this.stopped.signal.aborted) return;
    const last = this.waiting.at(-1);
    if (last !== undefined && isUsed(last) === isUsed(state)) this.waiting.pop();
    this.waiting = [...this.waiting, state].slice(-2);
    this.sending ??= this.sendAll().finally(() => {
      this.sending = null;
    });
  }

  /** Resolves when nothing is on its way any more. */
  async settled(): Promise<void> {
    await this.sending;
  }

  stop(): void {
    this.waiting = [];
    this.stopped.abort();
  }

  private async sendAll(): Promise<void> {
    const { signal } = this.stopped;
    try {
      for (let state = this.waiting.shift(); state !== undefined; state = this.waiting.shift()) {
        let current = state;
        const send = (): Promise<SignalOutcome> => {
          current = this.freshest(current);
          return this.options.send(current);
        };
        const outcome = await retryForever(send, signal, this.options.onFailure);
        if (outcome === 'notFound') {
          this.stop();
          this.options.onNotFound();
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** A state that waits behind one of its own side replaces it. */
  private freshest(state: QueuedState): QueuedState {
    const [next] = this.waiting;
    if (next === undefined || isUsed(next) !== isUsed(state)) return state;
    this.waiting.shift();
    return next;
  }
}

function isUsed({ connections }: { connections: number }): boolean {
  return connections > 0;
}
