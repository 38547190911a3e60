/** The sweeps that were carried out, as Temporal keeps them: whichever replica is asked, the answer is the same. */
import type { Client, WorkflowExecutionInfo, WorkflowExecutionStatusName } from '@temporalio/client';
import pLimit from 'p-limit';
import { sweepId, WORKFLOW_TYPE } from '../../../domain/wire-names.ts';
import { SharedRead } from '../../../lib/waiting/shared-read.ts';
import { isTemporalUnavailable } from '../../http/errors/temporal-errors.ts';
import { MAX_SWEEP_RUNS, providerSweepSchema, type ApiSweepRun, type SweepRunState } from './sweep-schemas.ts';

const CALL_SECONDS = 5;
const SHARED_MS = 2000;
const RESULTS_AT_ONCE = 10;
/** What a run has found does not change any more. */
const KEPT_RESULTS = 2 * MAX_SWEEP_RUNS;

type Reports = ApiSweepRun['reports'];

const STATE: Partial<Record<WorkflowExecutionStatusName, SweepRunState>> = {
  RUNNING: 'running',
  COMPLETED: 'completed',
  FAILED: 'failed',
  TIMED_OUT: 'timedOut',
  TERMINATED: 'terminated',
  CANCELLED: 'cancelled',
};

export class SweepRuns {
  readonly #client: Client;
  readonly #deployment: string;
  readonly #listed = new SharedRead(() => this.#list());
  readonly #results = new Map<string, Reports>();
  readonly #inTurn = pLimit(RESULTS_AT_ONCE);

  constructor(client: Client, deployment: string) {
    this.#client = client;
    this.#deployment = deployment;
  }

  /** The last `limit` sweeps, the newest first. @throws the client's error where Temporal does not answer in time. */
  async last(limit: number): Promise<ApiSweepRun[]> {
    const found = (await this.#listed.get(SHARED_MS)).slice(0, limit);
    return Promise.all(found.map((run) => this.#inTurn(() => this.#shown(run))));
  }

  async #list(): Promise<WorkflowExecutionInfo[]> {
    const query = `WorkflowType = '${WORKFLOW_TYPE.sweep}' AND TemporalScheduledById = '${sweepId(this.#deployment)}'`;
    const found: WorkflowExecutionInfo[] = [];
    await this.#within(async () => {
      // Temporal lists what began last first, and two sweeps never overlap.
      for await (const run of this.#client.workflow.list({ query, pageSize: MAX_SWEEP_RUNS })) {
        found.push(run);
        if (found.length === MAX_SWEEP_RUNS) break;
      }
    });
    return found.sort((a, b) => b.startTime.getTime() - a.startTime.getTime());
  }

  async #shown(run: WorkflowExecutionInfo): Promise<ApiSweepRun> {
    const { workflowId, runId, startTime, closeTime, status } = run;
    return {
      startedAt: startTime.toISOString(),
      ...(closeTime === undefined ? {} : { endedAt: closeTime.toISOString() }),
      state: STATE[status.name] ?? 'failed',
      ...{ workflowId, runId },
      reports: status.name === 'COMPLETED' ? await this.#reports(run) : [],
    };
  }

  /** A result is a claim of its workflow, and may be one of another version of Ephemera. */
  async #reports({ workflowId, runId }: WorkflowExecutionInfo): Promise<Reports> {
    const kept = this.#results.get(runId);
    if (kept !== undefined) return kept;
    let result: unknown;
    try {
      result = await this.#within(() => this.#client.workflow.getHandle(workflowId, runId).result());
    } catch (error) {
      if (isTemporalUnavailable(error)) throw error;
      // It was listed a moment ago, and its time of retention is over.
      return [];
    }
    const reports = (Array.isArray(result) ? result : []).flatMap(
      (report: unknown) => providerSweepSchema.safeParse(report).data ?? [],
    );
    this.#results.set(runId, reports);
    const [oldest] = this.#results.keys();
    if (this.#results.size > KEPT_RESULTS && oldest !== undefined) this.#results.delete(oldest);
    return reports;
  }

  #within<Result>(call: () => Promise<Result>): Promise<Result> {
    return this.#client.withDeadline(Date.now() + CALL_SECONDS * 1000, call);
  }
}
