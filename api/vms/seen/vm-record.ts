import type { WorkflowExecutionStatusName } from '@temporalio/client';
import type { TimelineEntryView, VmView } from '../../../domain/vm/view.ts';
import type { ApiVm } from '../../schemas/vm.ts';
import { reachOf } from './vm-reach.ts';
import { actionsOf } from './vm-actions.ts';
import type { SeenVm } from './vm-memo.ts';

/** One life of a VM as it was last seen: its view and the run that showed it. */
export interface VmRecord {
  workflowId: string;
  runId: string;
  /** The workflow is closed: nothing changes any more. */
  closed: boolean;
  view: VmView;
  timeline: TimelineEntryView[];
  /**
   * Only what the very start wrote is known, of a run of which nobody said whether it began a life or goes on with one
   * (code of before lost the memo at continue-as-new). Its uid and times may be wrong.
   */
  provisional?: true;
  /** Why the latest try to make or destroy the machine failed, while it is tried again. Only a describe knows. */
  lastTry?: string;
}

/** What Temporal says of a workflow run, with the decoded memo. */
export interface SeenExecution {
  workflowId: string;
  runId: string;
  /** The run that the life began with; empty where Temporal does not tell, as in lists. */
  firstRunId?: string;
  /** When that run began, epoch ms. */
  lifeStartTimeMs?: number | undefined;
  status: WorkflowExecutionStatusName;
  startTime: Date;
  closeTime: Date | undefined;
  memo: SeenVm | undefined;
}

/** Why a closed run whose last view says otherwise is shown as failed. */
const ABRUPT_END: Partial<Record<WorkflowExecutionStatusName, string>> = {
  TERMINATED: 'terminated: the workflow was stopped without its clean-up; a leftover machine is swept',
  TIMED_OUT: 'timed out: the workflow ran into a limit of Temporal; a leftover machine is swept',
  FAILED: 'the workflow failed before it confirmed the end of its machine',
  CANCELLED: 'the workflow closed before it confirmed the end of its machine',
  COMPLETED: 'the workflow closed before it confirmed the end of its machine',
};

/**
 * The record of a run, or undefined for one that shows nothing: a run that went on in a new one, or a workflow
 * without our memo. A run that closed while its view still claims to live is shown as `failed`.
 */
export function vmRecord(seen: SeenExecution): VmRecord | undefined {
  if (seen.memo === undefined || seen.status === 'CONTINUED_AS_NEW') return undefined;
  const { workflowId, runId, memo } = seen;
  const closed = isClosed(seen.status);
  const view = settled(started(memo.view, seen), seen, closed);
  const provisional = memo.view.uid === '' && !seen.firstRunId;
  return { workflowId, runId, closed, view, timeline: memo.timeline, ...(provisional ? { provisional } : {}) };
}

/** The view written at the start knows neither its run nor the server's clock. */
function started(view: VmView, { firstRunId, lifeStartTimeMs, runId, startTime }: SeenExecution): VmView {
  if (view.uid !== '') return view;
  const at = lifeStartTimeMs === undefined ? startTime.toISOString() : new Date(lifeStartTimeMs).toISOString();
  return { ...view, uid: firstRunId || runId, createdAt: at, updatedAt: at };
}

function settled(view: VmView, seen: SeenExecution, closed: boolean): VmView {
  if (!closed) return view;
  const endedAt = view.endedAt ?? (seen.closeTime ?? seen.startTime).toISOString();
  if (hasEnded(view)) return { ...view, endedAt };
  const last = { ...view };
  delete last.nextDeadline;
  delete last.holdUntil;
  delete last.connections;
  delete last.replaced;
  delete last.startsAgain;
  delete last.pendingImage;
  delete last.keeps;
  return {
    ...last,
    state: 'failed',
    detail: ABRUPT_END[seen.status] ?? 'the workflow is closed',
    aliveBecause: null,
    updatedAt: endedAt,
    endedAt,
  };
}

/** Only what Temporal knows to be over is closed; a status that nobody here knows may be anything. */
export function isClosed(status: WorkflowExecutionStatusName): boolean {
  return status in ABRUPT_END;
}

export function hasEnded(view: VmView): boolean {
  return view.state === 'destroyed' || view.state === 'failed';
}

/** True when a lost machine is being removed and another one takes its place: the same VM goes on. */
export function isBeingReplaced({ view }: VmRecord): boolean {
  const isLoss = view.reason === 'lost' || view.reason === 'preempted';
  // A worker of an earlier version does not say it; a VM that lost machine after machine is not replaced any more.
  const isReplaced = view.replaced ?? (isLoss && view.spec.onLost === 'recreate');
  return view.state === 'destroying' && isReplaced;
}

/** True when the VM is over or about to be: nobody is served by it any more. */
export function isEnding(record: VmRecord): boolean {
  return hasEnded(record.view) || (record.view.state === 'destroying' && !isBeingReplaced(record));
}

/** True for one that is stopped or suspended, or will be and stays so, as far as it says. */
export function isStopped({ view: { state, startsAgain } }: VmRecord): boolean {
  if (state === 'stopping' || state === 'imaging' || state === 'suspending') return startsAgain !== true;
  return state === 'stopped' || state === 'suspended';
}

/** True while only the view that the start wrote is known: the workflow has not run yet. */
export function isInitial(record: VmRecord): boolean {
  return record.view.machineId === '';
}

/** Where people look at workflows. */
export interface TemporalUi {
  uiUrl: string | null;
  namespace: string;
}

/** The VM as the API answers it to those who may act. */
export function apiVm(record: VmRecord, ui: TemporalUi): ApiVm {
  const { machineId, address, ...view } = record.view;
  // Matters between workflow, replicas and agent.
  delete view.confirmationId;
  delete view.replaced;
  delete view.startsAgain;
  delete view.unnamed;
  delete view.pinned;
  delete view.claim;
  delete view.resetAt;
  const { workflowId, runId } = record;
  return {
    ...view,
    ...(address === undefined ? {} : { address: { ...address, reach: reachOf(record.view, address.ip) } }),
    ...(machineId === '' ? {} : { machineId }),
    workflowId,
    runId,
    ...(ui.uiUrl === null ? {} : { temporalUiUrl: temporalUiUrl(ui.uiUrl, ui.namespace, record) }),
    // The last one: see `withoutActions`.
    can: record.closed ? [] : actionsOf(record.view),
  };
}

function temporalUiUrl(uiUrl: string, namespace: string, { workflowId, runId }: VmRecord): string {
  const base = uiUrl.replace(/\/+$/, '');
  return `${base}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}/${runId}`;
}
