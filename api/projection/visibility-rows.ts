import { createHash } from 'node:crypto';
import type { Client, WorkflowExecutionStatusName } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import type { VmMemo } from '../../domain/vm-view.ts';
import { MEMO } from '../../domain/wire-names.ts';
import { epochMsOf } from '../vms/timestamp.ts';
import { vmRecord, type VmRecord } from '../vms/vm-record.ts';

const PAGE_SIZE = 500;
const PAGE_SECONDS = 10;

/** By the numbers of Temporal's `WorkflowExecutionStatus`. */
const STATUS_NAMES: Record<number, WorkflowExecutionStatusName> = {
  1: 'RUNNING',
  2: 'COMPLETED',
  3: 'FAILED',
  4: 'CANCELLED',
  5: 'TERMINATED',
  6: 'CONTINUED_AS_NEW',
  7: 'TIMED_OUT',
  8: 'PAUSED',
};

/** Where a row's own clock stands: its last update or its close, epoch ms. */
export interface VisibilityRow {
  workflowId: string;
  runId: string;
  /** Undefined when nothing changed since this run was read last, or when it shows nothing. */
  record: VmRecord | undefined;
  closeTimeMs: number | undefined;
}

/** Reads VMs from Temporal's visibility. A memo is decoded only when its bytes changed: most rows are repeats. */
export class VisibilityRows {
  readonly #client: Client;
  readonly #digests = new Map<string, string>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** Every row of a query, page after page, newest first; gives other work a turn between pages. */
  async *rows(query: string): AsyncGenerator<VisibilityRow[]> {
    let nextPageToken: Uint8Array | undefined;
    do {
      const request = {
        namespace: this.#client.options.namespace,
        query,
        pageSize: PAGE_SIZE,
        ...(nextPageToken === undefined ? {} : { nextPageToken }),
      };
      const page = await this.#client.withDeadline(Date.now() + PAGE_SECONDS * 1000, () =>
        this.#client.workflowService.listWorkflowExecutions(request),
      );
      const rows: VisibilityRow[] = [];
      for (const execution of page.executions) {
        const row = await this.#row(execution);
        if (row) rows.push(row);
      }
      yield rows;
      nextPageToken = page.nextPageToken.length > 0 ? page.nextPageToken : undefined;
    } while (nextPageToken !== undefined);
  }

  /** Forgets what was read of runs that are of no interest any more. */
  keepOnly(runIds: ReadonlySet<string>): void {
    for (const runId of this.#digests.keys()) if (!runIds.has(runId)) this.#digests.delete(runId);
  }

  /** Reads a run again, although it may not have changed. */
  forget(runId: string): void {
    this.#digests.delete(runId);
  }

  async #row(execution: RawExecution): Promise<VisibilityRow | undefined> {
    const workflowId = execution.execution?.workflowId;
    const runId = execution.execution?.runId;
    if (!workflowId || !runId) return undefined;
    const row = { workflowId, runId, record: undefined, closeTimeMs: epochMsOf(execution.closeTime) };
    const payload = execution.memo?.fields?.[MEMO.vm];
    if (!payload?.data) return row;
    const digest = `${String(execution.status)}.${createHash('sha1').update(payload.data).digest('base64')}`;
    if (this.#digests.get(runId) === digest) return row;
    const record = vmRecord({
      workflowId,
      runId,
      status: STATUS_NAMES[execution.status ?? 0] ?? 'UNKNOWN',
      startTime: new Date(epochMsOf(execution.startTime) ?? 0),
      closeTime: row.closeTimeMs === undefined ? undefined : new Date(row.closeTimeMs),
      memo: await this.#decoded(payload),
    });
    this.#digests.set(runId, digest);
    return { ...row, record };
  }

  async #decoded(payload: Payload): Promise<VmMemo> {
    const { payloadConverter, payloadCodecs } = this.#client.options.loadedDataConverter;
    let decoded = [payload];
    for (const codec of payloadCodecs) decoded = await codec.decode(decoded);
    return payloadConverter.fromPayload(decoded[0] ?? payload);
  }
}

type RawExecution = Awaited<ReturnType<Client['workflowService']['listWorkflowExecutions']>>['executions'][number];
