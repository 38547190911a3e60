import { setTimeout as sleep } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { awaitReadyUpdate } from '../../workflows/messages.ts';
import { isWorkflowGone } from '../http/temporal-errors.ts';

const RETRY_MS = 500;

interface Wait {
  callers: number;
  stop: AbortController;
  settled: Promise<void>;
}

/**
 * Waits for VMs to become ready: one `awaitReady` update for each VM, shared by all its callers in this replica,
 * because a workflow takes only ten updates at once. The update's id is fixed, so a wait that was given up and
 * begun again finds its old update instead of adding one.
 */
export class ReadyWaiters {
  readonly #client: Client;
  readonly #log: Logger;
  readonly #waits = new Map<string, Wait>();
  readonly #updateId = `ready-${randomUUID()}`;

  constructor(client: Client, log: Logger) {
    this.#client = client;
    this.#log = log;
  }

  /** Number of VMs that somebody waits for. */
  get size(): number {
    return this.#waits.size;
  }

  /**
   * Resolves with true when the VM has left `creating` and `booting`, with false when the time is over or `gone`
   * aborts. Never rejects: without a worker or a server it waits on, up to the deadline.
   */
  async wait(workflowId: string, runId: string, timeoutSeconds: number, gone: AbortSignal): Promise<boolean> {
    if (gone.aborted) return false;
    const key = `${workflowId} ${runId}`;
    const wait = this.#waits.get(key) ?? this.#begin(key, workflowId, runId);
    wait.callers += 1;
    const over = new AbortController();
    const giveUp = (): void => over.abort();
    gone.addEventListener('abort', giveUp);
    try {
      return await Promise.race([
        wait.settled.then(() => !wait.stop.signal.aborted),
        sleep(timeoutSeconds * 1000, false, { signal: over.signal }).catch(() => false),
      ]);
    } finally {
      over.abort();
      gone.removeEventListener('abort', giveUp);
      wait.callers -= 1;
      if (wait.callers === 0) {
        this.#waits.delete(key);
        wait.stop.abort();
      }
    }
  }

  #begin(key: string, workflowId: string, runId: string): Wait {
    const stop = new AbortController();
    const settled = this.#ask(workflowId, runId, stop.signal);
    const wait: Wait = { callers: 0, stop, settled };
    this.#waits.set(key, wait);
    return wait;
  }

  /** Asks until there is an answer or nobody waits any more. */
  async #ask(workflowId: string, runId: string, stop: AbortSignal): Promise<void> {
    const handle = this.#client.workflow.getHandle(workflowId, runId);
    while (!stop.aborted) {
      try {
        await this.#client.withAbortSignal(stop, () =>
          handle.executeUpdate(awaitReadyUpdate, { updateId: this.#updateId }),
        );
        return;
      } catch (error) {
        if (isWorkflowGone(error) || error instanceof WorkflowUpdateFailedError) return;
        this.#log.debug({ err: error, workflowId }, 'waiting for readiness goes on after an error');
      }
      await sleep(RETRY_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }
}
