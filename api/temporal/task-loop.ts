import { setMaxListeners } from 'node:events';
import { retryForever } from '../../lib/waiting/backoff.ts';
import type { ActivityTask, ActivityTasks } from './activity-tasks.ts';

export interface TaskLoopOptions {
  tasks: ActivityTasks;
  /** Tasks that are done at once. */
  most: number;
  /** Does one and answers it; never rejects. `closing` aborts when the loop closes. */
  run: (task: ActivityTask, closing: AbortSignal) => Promise<void>;
  /** Temporal does not answer; it is asked again. */
  onSilence: (error: unknown) => void;
}

/** Takes tasks of one queue and does them, until it is closed. */
export class TaskLoop {
  readonly #options: TaskLoopOptions;
  readonly #closing = new AbortController();
  readonly #doing = new Set<Promise<void>>();
  #polling: Promise<void> = Promise.resolve();

  constructor(options: TaskLoopOptions) {
    this.#options = options;
    // One for each task that is done, while it is.
    setMaxListeners(0, this.#closing.signal);
  }

  start(): void {
    this.#polling = this.#poll();
  }

  /** Gives back what it does, for another replica to take; resolves when that is said. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('this replica of the API closes'));
    await this.#polling;
    await Promise.all(this.#doing);
  }

  async #poll(): Promise<void> {
    const { tasks, most, run, onSilence } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      if (this.#doing.size >= most) {
        await Promise.race(this.#doing);
        continue;
      }
      const task = await retryForever(() => tasks.take(signal), signal, onSilence).catch(() => undefined);
      if (task === undefined) continue;
      const done: Promise<void> = run(task, signal).finally(() => this.#doing.delete(done));
      this.#doing.add(done);
    }
  }
}
