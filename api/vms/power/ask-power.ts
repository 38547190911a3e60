/** Stop and start, suspend and resume as a workflow answers them, whoever asks: a route of their own or a create of the name. */
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { VmView } from '../../../domain/vm/view.ts';
import {
  POWER_REFUSAL,
  resumeSignal,
  resumeUpdate,
  startSignal,
  startUpdate,
  stopSignal,
  stopUpdate,
  suspendSignal,
  suspendUpdate,
} from '../../../workflows/messages.ts';
import type { ApiContext } from '../../api-context.ts';
import { ApiProblem } from '../../http/errors/problem.ts';
import { isTemporalUnavailable, isUpdateDropped, isWorkflowGone } from '../../http/errors/temporal-errors.ts';
import { notAllowed } from '../action-routes.ts';
import type { VmRecord } from '../seen/vm-record.ts';
import { describedVm, presented } from '../seen/vm-reply.ts';

/** How long the workflow has to answer before the request is left with it as a signal. */
const ANSWER_SECONDS = 3;

export type PowerAction = 'stop' | 'start' | 'suspend' | 'resume' | 'close' | 'snapshot';

interface PowerRequest {
  /** The update, which answers what came of it. */
  ask: () => Promise<VmView>;
  /** The signal, which Temporal keeps until a worker comes. */
  leave: () => Promise<void>;
}

/** Wakes a VM, also one that is suspended. Resolves with it as its workflow answers, or as last seen where no worker did. */
export async function startVmAgain(api: ApiContext, record: VmRecord): Promise<{ status: number; record: VmRecord }> {
  return bringBack(api, record, 'start');
}

/** Errors as {@link askWorkflow}. */
export async function bringBack(
  api: ApiContext,
  record: VmRecord,
  action: 'start' | 'resume',
): Promise<{ status: number; record: VmRecord }> {
  const life = { uid: record.view.uid };
  const handle = api.directory.handle(record.workflowId);
  const [update, signal] = action === 'start' ? [startUpdate, startSignal] : [resumeUpdate, resumeSignal];
  return askWorkflow(api, record, action, {
    ask: () => handle.executeUpdate(update, { args: [life] }),
    leave: () => handle.signal(signal, life),
  });
}

/** `force`: whoever uses it. Errors as {@link askWorkflow}. */
export async function takeDown(
  api: ApiContext,
  record: VmRecord,
  action: 'stop' | 'suspend',
  force: boolean,
): Promise<{ status: number; record: VmRecord }> {
  const options = { uid: record.view.uid, ...(force ? { force } : {}) };
  const handle = api.directory.handle(record.workflowId);
  const [update, signal] = action === 'stop' ? [stopUpdate, stopSignal] : [suspendUpdate, suspendSignal];
  return askWorkflow(api, record, action, {
    ask: () => handle.executeUpdate(update, { args: [options] }),
    leave: () => handle.signal(signal, options),
  });
}

/** @throws ApiProblem `vmInUse`, `actionNotAllowed`, `temporalUnavailable`. */
export async function askWorkflow(
  api: ApiContext,
  record: VmRecord,
  action: PowerAction,
  { ask, leave }: PowerRequest,
): Promise<{ status: number; record: VmRecord }> {
  const { name, project } = record.view;
  try {
    const view = await api.directory.within(ask, ANSWER_SECONDS);
    return { status: 200, record: { ...record, view } };
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) throw refusalOf(api, error, record, action);
    if (isWorkflowGone(error)) throw notAllowed(action, (await describedVm(api, project, name)).record.view);
    if (!isTemporalUnavailable(error) && !isUpdateDropped(error)) throw error;
    // Nobody has answered: both may arrive, and the second one changes nothing.
    await api.directory.within(leave);
    return { status: 202, record: await api.directory.sameLife(record) };
  }
}

function refusalOf(api: ApiContext, error: WorkflowUpdateFailedError, record: VmRecord, action: PowerAction): Error {
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure)) return error;
  if (cause.type === POWER_REFUSAL.inUse) {
    return new ApiProblem('vmInUse', `${record.view.name} has users`, { members: { vm: presented(api, record) } });
  }
  if (cause.type === POWER_REFUSAL.notAllowed || cause.type === POWER_REFUSAL.otherLife) {
    return notAllowed(action, record.view, cause.message);
  }
  return error;
}
