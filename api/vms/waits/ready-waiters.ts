import { setTimeout as sleep } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { awaitReadyUpdate } from '../../../workflows/messages.ts';
import { isWorkflowGone } from '../../http/errors/temporal-errors.ts';
import { SharedWaits, type CallersTime } from './shared-waits.ts';

const RETRY_MS = 500;

/**
 * Waits for VMs to become ready: one `awaitReady` update for each VM, shared by all its callers in this replica,
 * because a workflow takes only ten updates at once. The update's id is fixed, so a wait that was given up and
 * begun again finds its old update instead of adding one.
 */
export class ReadyWaiters {
  readonly #client: Client;
  readonly #log: Logger;
  readonly #waits = new SharedWaits();
  readonly #updateId = `ready-${randomUUID()}`;

  constructor(client: Client, log: Logger) {
    this.#client = client;
    this.#log = log;
  }

  /**
   * Resolves with true when the VM has left its start, with false when the time is over. Never rejects: without a worker
   * or a server it waits on, up to the deadline. `start` names the start of a VM that was stopped before: an update of an
   * earlier one has its answer already.
   */
  wait(workflowId: string, runId: string, time: CallersTime, start = ''): Promise<boolean> {
    const updateId = start === '' ? this.#updateId : `${this.#updateId}-${start}`;
    return this.#waits.wait(
      `${workflowId} ${runId} ${start}`,
      (stop) => this.#ask(workflowId, runId, updateId, stop),
      time,
    );
  }

  /** Asks until there is an answer or nobody waits any more. */
  async #ask(workflowId: string, runId: string, updateId: string, stop: AbortSignal): Promise<void> {
    const handle = this.#client.workflow.getHandle(workflowId, runId);
    while (!stop.aborted) {
      try {
        await this.#client.withAbortSignal(stop, () => handle.executeUpdate(awaitReadyUpdate, { updateId }));
        return;
      } catch (error) {
        if (isWorkflowGone(error) || error instanceof WorkflowUpdateFailedError) return;
        this.#log.debug({ err: error, workflowId }, 'waiting for readiness goes on after an error');
      }
      await sleep(RETRY_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }
}
