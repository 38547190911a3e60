import { log } from '@temporalio/workflow';
import type { RequestQueueEvent } from '../../domain/request/events.ts';
import { next } from '../../domain/request/next.ts';
import type { RequestQueue } from '../../domain/request/state.ts';
import type { Happened } from '../happened.ts';

/** Holds the one copy of what waits for a name; `next` decides what events mean. */
export class QueueRecord {
  /** What everybody can see of it. */
  shown: RequestQueue | undefined;
  /** The run is about to end: nothing more is begun in it. */
  leaves = false;
  #queue: RequestQueue;

  constructor(queue: RequestQueue) {
    this.#queue = queue;
  }

  get queue(): RequestQueue {
    return this.#queue;
  }

  get published(): boolean {
    return this.shown === this.#queue;
  }

  record(event: Happened<RequestQueueEvent>): void {
    const before = this.#queue;
    this.#queue = next(before, { ...event, at: Date.now() });
    if (this.#queue === before) return;
    const { project, name, waiting } = this.#queue;
    log.info('the requests of a name changed', { project, name, event: event.kind, waiting: waiting.length });
  }
}
