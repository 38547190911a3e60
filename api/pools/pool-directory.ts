/** The pools of this deployment, as their workflows publish them, and claims from them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError, type Client } from '@temporalio/client';
import { z } from 'zod';
import { runningWorkflows } from '../../config/temporal/running-workflows.ts';
import { isRecord } from '../../domain/untrusted.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import { MEMO, poolWorkflowId, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import { SharedRead } from '../../lib/waiting/shared-read.ts';
import { claimUpdate, type ClaimRequest } from '../../workflows/messages.ts';
import { isTemporalUnavailable, isUpdateDropped, isWorkflowGone } from '../http/errors/temporal-errors.ts';
import { poolSchema, type ApiPool } from '../schemas/pool.ts';
import { ClaimBatches } from './claim-batches.ts';

const CALL_SECONDS = 5;
/** A claim that takes longer is given up: a new machine takes seconds, and nobody waits for two things. */
const CLAIM_SECONDS = 5;
/** Before a claim that was dropped is sent again. */
const AGAIN_MS = 20;
/** A create waits for it, so it may take less than what asks for nothing else. */
const FIND_SECONDS = 2;
/** One answer is that of everybody who asks a replica within this time. */
const SHARED_MS = 1000;

/** The memo may be of another version of Ephemera, so it is checked before it counts. */
const memoSchema = poolSchema.extend({ project: z.string() });

interface KnownPool {
  project: string;
  pool: ApiPool;
}

/** What a create has to know of the pool of its template. */
export interface ClaimablePool {
  version: number | null;
  max: number;
  /** What its machines are made from. */
  spec: VmSpec;
}

export class PoolDirectory {
  readonly #client: Client;
  readonly #controlTaskQueue: string;
  readonly #claimSeconds: number;
  readonly #batches = new Map<string, ClaimBatches>();
  readonly #closedHosts: () => string[];
  readonly #listed = new SharedRead(() => this.#within(() => this.#listNow()));
  /** By workflow id; of templates that have a pool alone. */
  readonly #claimable = new Map<string, SharedRead<ClaimablePool | undefined>>();

  /**
   * `closedHosts`: ids of those that take no creates, as they are known without asking. `claimSeconds`: how long a claim may
   * take; only tests set it.
   */
  constructor(
    client: Client,
    controlTaskQueue: string,
    closedHosts: () => string[] = () => [],
    claimSeconds: number = CLAIM_SECONDS,
  ) {
    this.#client = client;
    this.#controlTaskQueue = controlTaskQueue;
    this.#claimSeconds = claimSeconds;
    this.#closedHosts = closedHosts;
  }

  /** The pools of a project by template, at most a second old. */
  async list(project: string): Promise<ApiPool[]> {
    const pools = await this.#listed.get(SHARED_MS);
    return pools.filter((known) => known.project === project).map(({ pool }) => pool);
  }

  /**
   * The pool of a template as it published itself, at most a second old; undefined where there is none that can be read. Asks
   * the pool's workflow itself, no visibility. @throws the client's error where Temporal does not answer in time.
   */
  find(project: string, template: string): Promise<ClaimablePool | undefined> {
    const workflowId = poolWorkflowId(project, template, this.#controlTaskQueue);
    let read = this.#claimable.get(workflowId);
    if (read === undefined) {
      read = new SharedRead(() => this.#within(() => this.#describe(workflowId), FIND_SECONDS));
      this.#claimable.set(workflowId, read);
    }
    return read.get(SHARED_MS);
  }

  /** The machine that was granted; null where none waits, or the pool does not answer. Never rejects. */
  async claim(project: string, template: string, request: ClaimRequest): Promise<string | null> {
    const workflowId = poolWorkflowId(project, template, this.#controlTaskQueue);
    let batches = this.#batches.get(workflowId);
    if (batches === undefined) {
      batches = new ClaimBatches((requests) => this.#claimAll(workflowId, requests));
      this.#batches.set(workflowId, batches);
    }
    return batches.claim(request);
  }

  async #claimAll(workflowId: string, requests: ClaimRequest[]): Promise<Map<string, string | null>> {
    const handle = this.#client.workflow.getHandle(workflowId);
    const until = Date.now() + this.#claimSeconds * 1000;
    const closedHosts = this.#closedHosts();
    const claims = { requests, ...(closedHosts.length === 0 ? {} : { closedHosts }) };
    for (;;) {
      try {
        const { grants } = await this.#client.withDeadline(until, () =>
          handle.executeUpdate(claimUpdate, { args: [claims] }),
        );
        return new Map(grants.map(({ id, machineId }) => [id, machineId]));
      } catch (error) {
        // Asked again it is the same claim, and gets the machine that it may have got already.
        if (isUpdateDropped(error) && Date.now() + AGAIN_MS < until) await sleep(AGAIN_MS);
        else if (isNoAnswer(error)) return new Map();
        else throw error;
      }
    }
  }

  async #listNow(): Promise<KnownPool[]> {
    const query = runningWorkflows(WORKFLOW_TYPE.pool, this.#controlTaskQueue);
    const pools: KnownPool[] = [];
    for await (const { memo, workflowId } of this.#client.workflow.list({ query })) {
      const known = this.#seen(workflowId, memo);
      if (known !== undefined) pools.push(known);
    }
    return pools.sort((a, b) => (a.pool.template < b.pool.template ? -1 : 1));
  }

  async #describe(workflowId: string): Promise<ClaimablePool | undefined> {
    try {
      const { memo, status } = await this.#client.workflow.getHandle(workflowId).describe();
      const known = this.#seen(workflowId, memo);
      const spec = memo?.[MEMO.spec];
      if (known === undefined || status.name !== 'RUNNING' || !isRecord(spec)) return undefined;
      return { version: known.pool.version, max: known.pool.max, spec: spec as unknown as VmSpec };
    } catch (error) {
      if (isWorkflowGone(error)) return undefined;
      throw error;
    }
  }

  /** A memo is a claim of its workflow, whose id says which pool it is of. */
  #seen(workflowId: string, memo: Record<string, unknown> | undefined): KnownPool | undefined {
    const seen = memoSchema.safeParse(memo?.[MEMO.pool]).data;
    if (seen === undefined) return undefined;
    const { project, ...pool } = seen;
    return workflowId === poolWorkflowId(project, pool.template, this.#controlTaskQueue)
      ? { project, pool }
      : undefined;
  }

  #within<Result>(call: () => Promise<Result>, seconds: number = CALL_SECONDS): Promise<Result> {
    return this.#client.withDeadline(Date.now() + seconds * 1000, call);
  }
}

function isNoAnswer(error: unknown): boolean {
  if (error instanceof WorkflowUpdateFailedError || error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)
    return true;
  return isWorkflowGone(error) || (error instanceof Error && isTemporalUnavailable(error));
}
