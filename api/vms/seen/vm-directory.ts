import { defaultPayloadConverter } from '@temporalio/common';
import type { Client, WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { MachineActivities } from '../../../domain/machine/activities.ts';
import type { TimelineEntryView, VmView } from '../../../domain/vm/view.ts';
import { MEMO, SIGNAL, vmWorkflowId, WORKFLOW_TYPE } from '../../../domain/wire-names.ts';
import { timelineQuery, viewQuery, type DestroyOptions } from '../../../workflows/messages.ts';
import type { QueuedCreates } from '../create/queued-create.ts';
import { isWorkflowGone } from '../../http/errors/temporal-errors.ts';
import { epochMsOf } from './timestamp.ts';
import { UnreadableVm } from './unreadable-vm.ts';
import { seenView, seenVm, type SeenVm } from './vm-memo.ts';
import { isClosed, isEnding, vmRecord, type VmRecord } from './vm-record.ts';

/** How long a call to Temporal's front end may take. */
const CALL_SECONDS = 5;
/** How long a query may take: it needs a worker, and the memo is a good answer too. */
const QUERY_SECONDS = 2;
const TASK_STARTED = proto.temporal.api.enums.v1.PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_STARTED;
/** Messages that a workflow has not taken yet and that are looked through at most. */
const UNREAD_EVENTS = 100;

/** A described VM with what its start wrote into the memo. */
export interface DescribedVm {
  record: VmRecord;
  specHash: string | undefined;
  requestHash: string | undefined;
  idempotencyKeyHash: string | undefined;
  /** Something was sent to the workflow that it has not taken yet, so the record may be out of date. */
  hasUnread: boolean;
  /** A worker has taken, or died with, what was sent: whatever was sent since is in no history until it is done. */
  isBeingRead: boolean;
}

/** What became of a VM after all that was sent to it; `unknown` while nobody can see all of that. */
export interface SettledVm {
  record: VmRecord;
  ending: boolean | 'unknown';
}

/** Finds VMs in Temporal and talks to their workflows, every call with a deadline. */
export class VmDirectory {
  readonly #client: Client;
  readonly #queued: QueuedCreates | undefined;
  readonly #controlTaskQueue: string | undefined;

  /** `controlTaskQueue`: of the deployment whose VMs are found; absent: of all in the namespace. */
  constructor(
    client: Client,
    { queued, controlTaskQueue }: { queued?: QueuedCreates; controlTaskQueue?: string } = {},
  ) {
    this.#client = client;
    this.#queued = queued;
    this.#controlTaskQueue = controlTaskQueue;
  }

  handle(workflowId: string, runId?: string): WorkflowHandle {
    return this.#client.workflow.getHandle(workflowId, runId);
  }

  /** Runs a call to Temporal with a deadline. @throws the client's error when it is over. */
  within<Result>(call: () => Promise<Result>, seconds: number = CALL_SECONDS): Promise<Result> {
    return this.#client.withDeadline(Date.now() + seconds * 1000, call);
  }

  /** The latest life of a name, or undefined. Works without any worker. */
  describe(project: string, name: string): Promise<DescribedVm | undefined> {
    return this.describeWorkflow(vmWorkflowId(project, name));
  }

  async describeWorkflow(workflowId: string, onlyRunId?: string): Promise<DescribedVm | undefined> {
    try {
      const found = await this.within(() => this.handle(workflowId, onlyRunId).describe());
      if (found.type !== WORKFLOW_TYPE.vm || this.#isOfAnother(found)) return undefined;
      const memo = found.memo ?? {};
      const isClosedNow = isClosed(found.status.name);
      const record = vmRecord({
        workflowId,
        runId: found.runId,
        firstRunId: found.raw.workflowExecutionInfo?.firstRunId ?? '',
        lifeStartTimeMs: epochMsOf(found.raw.workflowExtendedInfo?.originalStartTime),
        status: found.status.name,
        startTime: found.startTime,
        closeTime: found.closeTime,
        memo: await this.#seen(workflowId, memo, isClosedNow),
      });
      const queued = record && (await this.#queued?.explain(found, record.view).catch(() => undefined));
      const lastTry = queued ?? failureOfLastTry(found);
      return (
        record && {
          record: { ...record, ...(lastTry === undefined ? {} : { lastTry }) },
          specHash: textOr(memo[MEMO.specHash]),
          requestHash: textOr(memo[MEMO.requestHash]),
          idempotencyKeyHash: textOr(memo[MEMO.idempotencyKeyHash]),
          hasUnread: Boolean(found.raw.pendingWorkflowTask),
          isBeingRead: found.raw.pendingWorkflowTask?.state === TASK_STARTED,
        }
      );
    } catch (error) {
      if (isWorkflowGone(error)) return undefined;
      throw error;
    }
  }

  /** The latest run under an id as Temporal knows it, whatever it is; undefined where it knows none. Cheaper than `describe`. */
  async latest(workflowId: string): Promise<WorkflowExecutionDescription | undefined> {
    try {
      return await this.within(() => this.handle(workflowId).describe());
    } catch (error) {
      if (isWorkflowGone(error)) return undefined;
      throw error;
    }
  }

  /** As {@link latest}: which run it is, and whether it goes on. */
  async latestRun(workflowId: string): Promise<{ runId: string; isOpen: boolean } | undefined> {
    const found = await this.latest(workflowId);
    return found && { runId: found.runId, isOpen: !isClosed(found.status.name) };
  }

  /** Whether the latest VM of the name is of another deployment in the namespace. */
  async isTakenElsewhere(project: string, name: string): Promise<boolean> {
    const found = await this.latest(vmWorkflowId(project, name));
    return found !== undefined && this.#isOfAnother(found);
  }

  /** Deployments that share a namespace have control queues of their own. */
  #isOfAnother({ taskQueue }: Pick<WorkflowExecutionDescription, 'taskQueue'>): boolean {
    return this.#controlTaskQueue !== undefined && taskQueue !== this.#controlTaskQueue;
  }

  /**
   * What the VM published of itself; undefined when it published nothing. @throws UnreadableVm when that is none that
   * can be shown, and no worker answers for it.
   */
  async #seen(workflowId: string, memo: Record<string, unknown>, closed: boolean): Promise<SeenVm | undefined> {
    if (memo[MEMO.vm] === undefined) return undefined;
    const seen = seenVm(memo[MEMO.vm], memo[MEMO.spec]);
    if (seen !== undefined) return seen;
    const view = closed ? undefined : await this.#view(workflowId, QUERY_SECONDS);
    if (view === undefined) throw new UnreadableVm(workflowId, closed);
    return { view, timeline: [] };
  }

  async #view(workflowId: string, seconds: number): Promise<VmView | undefined> {
    return seenView(await this.#asked(() => this.handle(workflowId).query(viewQuery), seconds));
  }

  /** The record with the view that the workflow gives now; the same record when no worker answers in time. */
  async fresh(record: VmRecord, seconds: number = QUERY_SECONDS): Promise<VmRecord> {
    if (record.closed) return record;
    const view = await this.#view(record.workflowId, seconds);
    return view?.uid === record.view.uid ? { ...record, view } : record;
  }

  /** The life of `record` as Temporal shows it now, also when its name has a newer one; else the record itself. */
  async sameLife(record: VmRecord): Promise<VmRecord> {
    const { workflowId, runId, view } = record;
    const latest = await this.describeWorkflow(workflowId).catch(() => undefined);
    if (latest === undefined) return record;
    if (latest.record.view.uid === view.uid) return latest.record;
    return (await this.describeWorkflow(workflowId, runId).catch(() => undefined))?.record ?? record;
  }

  /**
   * Whether the VM lives on after all that was sent to it before this call: a destroy that was answered a moment ago
   * counts, also before the workflow has taken it. Asks the workflow only when it has something to take.
   */
  async settled({ record, hasUnread, isBeingRead }: DescribedVm): Promise<SettledVm> {
    const isOver = !record.closed && isEnding(record);
    if (!hasUnread || isOver) return { record, ending: isOver };
    const asked = await this.fresh(record);
    if (asked !== record) return { record: asked, ending: isEnding(asked) };
    const isUnread = await this.#hasUnreadEnd(record).catch(() => 'unknown' as const);
    return { record, ending: isUnread === false && isBeingRead ? 'unknown' : isUnread };
  }

  /** Without a worker nobody takes what was sent; it stands at the end of the history. */
  async #hasUnreadEnd({ workflowId, runId, view }: VmRecord): Promise<boolean> {
    const { workflowService, options } = this.#client;
    const { namespace } = options;
    const { history } = await this.within(() =>
      workflowService.getWorkflowExecutionHistoryReverse({
        namespace,
        execution: { workflowId, runId },
        maximumPageSize: UNREAD_EVENTS,
      }),
    );
    for (const event of history?.events ?? []) {
      if (event.workflowTaskCompletedEventAttributes) return false;
      if (event.workflowExecutionCancelRequestedEventAttributes) return true;
      const signal = event.workflowExecutionSignaledEventAttributes;
      if (signal?.signalName !== SIGNAL.destroy) continue;
      const [input] = signal.input?.payloads ?? [];
      const sent = input && defaultPayloadConverter.fromPayload<DestroyOptions | null>(input);
      if (sent?.uid === undefined || sent.uid === view.uid) return true;
    }
    return false;
  }

  /** The whole timeline as the workflow gives it; the memo's last entries when no worker answers in time. */
  async timeline(record: VmRecord): Promise<TimelineEntryView[]> {
    const { workflowId, runId } = record;
    return (
      (await this.#asked(() => this.handle(workflowId, runId).query(timelineQuery), QUERY_SECONDS)) ?? record.timeline
    );
  }

  /** Whatever goes wrong with a query, there is another answer. */
  async #asked<Result>(query: () => Promise<Result>, seconds: number): Promise<Result | undefined> {
    try {
      return await this.within(query, seconds);
    } catch {
      return undefined;
    }
  }
}

function textOr(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

const TOLD: readonly string[] = [
  'createMachine',
  'stopMachine',
  'resetMachine',
  'startMachine',
  'makeImage',
  'suspendMachine',
  'resumeMachine',
  'destroyMachine',
] satisfies (keyof MachineActivities)[];

function failureOfLastTry({ raw }: WorkflowExecutionDescription): string | undefined {
  const told = raw.pendingActivities?.find(({ activityType }) => TOLD.includes(activityType?.name ?? ''));
  const failure = told?.lastFailure;
  if (!failure?.message) return undefined;
  const code = failure.applicationFailureInfo?.type;
  return code ? `${code}: ${failure.message}` : failure.message;
}
