import { createHash } from 'node:crypto';
import type { Client, WorkflowExecutionStatusName } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { MEMO, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import { epochMsOf } from '../vms/seen/timestamp.ts';
import { seenVm, type SeenVm } from '../vms/seen/vm-memo.ts';
import { isClosed, vmRecord, type VmRecord } from '../vms/seen/vm-record.ts';

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
  /** What the workflow of a template shows, not looked at yet; undefined for a VM, and when nothing changed. */
  template?: { shown: unknown; isRunning: boolean };
  /** What the run shows cannot be read: nothing follows but that it is there. */
  isUnreadable: boolean;
  closeTimeMs: number | undefined;
}

/** Reads VMs from Temporal's visibility. A memo is decoded only when its bytes changed: most rows are repeats. */
export class VisibilityRows {
  readonly #client: Client;
  readonly #digests = new Map<string, string>();
  /** Of each run, as its last record has it: it never changes and may be large. */
  readonly #specs = new Map<string, unknown>();

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
    for (const runId of this.#digests.keys()) if (!runIds.has(runId)) this.forget(runId);
  }

  /** Reads a run again, although it may not have changed. */
  forget(runId: string): void {
    this.#digests.delete(runId);
    this.#specs.delete(runId);
  }

  async #row(execution: RawExecution): Promise<VisibilityRow | undefined> {
    const workflowId = execution.execution?.workflowId;
    const runId = execution.execution?.runId;
    if (!workflowId || !runId) return undefined;
    const closeTimeMs = epochMsOf(execution.closeTime);
    const row = { workflowId, runId, record: undefined, isUnreadable: false, closeTimeMs };
    if (execution.type?.name === WORKFLOW_TYPE.template) return { ...row, ...(await this.#template(runId, execution)) };
    const { [MEMO.vm]: payload, [MEMO.spec]: spec } = execution.memo?.fields ?? {};
    if (!payload?.data) return row;
    if (!this.#isChanged(runId, payload.data, execution.status)) return row;
    const status = STATUS_NAMES[execution.status ?? 0] ?? 'UNKNOWN';
    const memo = await this.#seen(runId, payload, spec).catch(() => undefined);
    if (memo === undefined) return { ...row, isUnreadable: status !== 'CONTINUED_AS_NEW' };
    const startTime = new Date(epochMsOf(execution.startTime) ?? 0);
    const closeTime = closeTimeMs === undefined ? undefined : new Date(closeTimeMs);
    return { ...row, record: vmRecord({ workflowId, runId, status, startTime, closeTime, memo }) };
  }

  async #template(runId: string, { memo, status }: RawExecution): Promise<Pick<VisibilityRow, 'template'>> {
    const payload = memo?.fields?.[MEMO.template];
    const statusName = STATUS_NAMES[status ?? 0] ?? 'UNKNOWN';
    // Its next run shows the same.
    if (!payload?.data || statusName === 'CONTINUED_AS_NEW' || !this.#isChanged(runId, payload.data, status)) return {};
    const shown = await this.#decoded(payload).catch(() => undefined);
    return { template: { shown, isRunning: !isClosed(statusName) } };
  }

  /** Whether the run shows something else than when it was asked about last. */
  #isChanged(runId: string, data: Uint8Array, status: RawExecution['status']): boolean {
    const digest = `${String(status)}.${createHash('sha1').update(data).digest('base64')}`;
    if (this.#digests.get(runId) === digest) return false;
    this.#digests.set(runId, digest);
    return true;
  }

  async #seen(runId: string, payload: Payload, spec: Payload | undefined): Promise<SeenVm | undefined> {
    const known = this.#specs.get(runId) ?? (spec?.data ? await this.#decoded(spec) : undefined);
    const seen = seenVm(await this.#decoded(payload), known);
    if (seen !== undefined) this.#specs.set(runId, seen.view.spec);
    return seen;
  }

  async #decoded(payload: Payload): Promise<unknown> {
    const { payloadConverter, payloadCodecs } = this.#client.options.loadedDataConverter;
    let decoded = [payload];
    for (const codec of payloadCodecs) decoded = await codec.decode(decoded);
    return payloadConverter.fromPayload(decoded[0] ?? payload);
  }
}

type RawExecution = Awaited<ReturnType<Client['workflowService']['listWorkflowExecutions']>>['executions'][number];
