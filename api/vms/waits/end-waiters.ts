import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { isTemporalUnavailable } from '../../http/errors/temporal-errors.ts';
import { SharedWaits, type CallersTime } from './shared-waits.ts';
import type { VmRecord } from '../seen/vm-record.ts';

const RETRY_MS = 500;

/**
 * Waits for the ends of VMs: one long poll for each life, shared by all its callers in this replica. It follows the life
 * from run to run, and never into the next life of the name.
 */
export class EndWaiters {
  readonly #client: Client;
  readonly #waits = new SharedWaits();

  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Resolves with true when the life has ended and its name is free, with false when the time is over. Never rejects:
   * without a server it waits on, up to the deadline.
   */
  wait({ workflowId, runId, view }: VmRecord, time: CallersTime): Promise<boolean> {
    return this.#waits.wait(`${workflowId} ${view.uid}`, (stop) => this.#ask(workflowId, runId, stop), time);
  }

  async #ask(workflowId: string, runId: string, stop: AbortSignal): Promise<void> {
    const handle = this.#client.workflow.getHandle(workflowId, runId);
    while (!stop.aborted) {
      try {
        await this.#client.withAbortSignal(stop, () => handle.result());
        return;
      } catch (error) {
        // Any other error tells how the workflow closed.
        if (!isTemporalUnavailable(error)) return;
      }
      await sleep(RETRY_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }
}
