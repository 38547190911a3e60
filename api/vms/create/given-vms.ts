/**
 * Which VM an Idempotency-Key got, where that VM was there already: a workflow under the id that the key's own VM would have
 * says so for all replicas (decision 0055). The VM names the key too, for as long as it lives.
 */
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '@temporalio/client';
import { z } from 'zod';
import { MEMO, parseVmWorkflowId, vmWorkflowId, WORKFLOW_TYPE } from '../../../domain/wire-names.ts';
import { drainSignal, stopSignal } from '../../../workflows/messages.ts';
import type { ApiContext } from '../../api-context.ts';
import { ApiProblem } from '../../http/errors/problem.ts';
import type { VmStart } from './start-vm.ts';
import type { DescribedVm } from '../seen/vm-directory.ts';
import type { VmRecord } from '../seen/vm-record.ts';

/** It ends with its first task; where no control worker runs, by itself. */
const EXECUTION_MS = 3_600_000;

const givenSchema = z.object({
  workflowId: z.string(),
  runId: z.string(),
  uid: z.string(),
  specHash: z.string(),
  requestHash: z.string().nullable(),
});

type KeyedStart = Pick<VmStart, 'project' | 'name' | 'specHash' | 'requestHash'>;

/**
 * Writes down that the key of this start got the VM. Undefined when the key had got another one meanwhile: then the VM drains
 * or stops again, as it did.
 */
export async function noteGiven(api: ApiContext, start: KeyedStart, record: VmRecord): Promise<VmRecord | undefined> {
  const { project, name, specHash, requestHash } = start;
  const { workflowId, runId, view } = record;
  const { uid } = view;
  try {
    await api.directory.within(() =>
      api.client.workflow.start(WORKFLOW_TYPE.given, {
        workflowId: vmWorkflowId(project, name),
        taskQueue: api.settings.temporal.controlTaskQueue,
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
        workflowExecutionTimeout: EXECUTION_MS,
        memo: { [MEMO.given]: { workflowId, runId, uid, specHash, requestHash } },
        staticSummary: `An Idempotency-Key of project ${project} got ${view.name}`,
      }),
    );
    return record;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const other = await givenBefore(api, start);
    if (other?.record.view.uid === uid) return record;
    // As it was: one that serves has users perhaps, one that starts has nobody.
    const before = view.state === 'running' ? drainSignal : stopSignal;
    await api.directory.within(() => api.directory.handle(workflowId).signal(before, { uid }));
    return undefined;
  }
}

/**
 * The VM that the key of this start got, whatever became of it; undefined where it got none that was there already.
 * @throws ApiProblem `idempotencyConflict` when nothing is known of that VM any more.
 */
export async function givenBefore(
  api: ApiContext,
  { project, name }: Pick<KeyedStart, 'project' | 'name'>,
): Promise<DescribedVm | undefined> {
  const note = await noteOf(api, vmWorkflowId(project, name));
  if (note === undefined) return undefined;
  const { workflowId, runId, uid, specHash, requestHash } = note;
  // Whoever can start workflows can write such a note: it shows nobody a VM of another project.
  if (parseVmWorkflowId(workflowId)?.project === project) {
    const latest = await api.directory.describeWorkflow(workflowId);
    const found = latest?.record.view.uid === uid ? latest : await api.directory.describeWorkflow(workflowId, runId);
    if (found?.record.view.uid === uid) return { ...found, specHash, requestHash: requestHash ?? undefined };
  }
  throw new ApiProblem('idempotencyConflict', 'The VM that this Idempotency-Key got has long ended');
}

async function noteOf(api: ApiContext, workflowId: string): Promise<z.infer<typeof givenSchema> | undefined> {
  const found = await api.directory.latest(workflowId);
  const isOurs = found?.type === WORKFLOW_TYPE.given && found.taskQueue === api.settings.temporal.controlTaskQueue;
  return isOurs ? givenSchema.safeParse(found.memo?.[MEMO.given]).data : undefined;
}

/**
 * The live VM that names the key as the one it was given to last: also when nobody wrote that down, or when Temporal keeps the
 * note no more.
 */
export async function heldByKey(
  api: ApiContext,
  claim: string,
  { project, name, requestHash }: KeyedStart,
  { template, isPlain }: { template: string | undefined; isPlain: boolean },
): Promise<DescribedVm | undefined> {
  const view = api.projection.givenTo(claim)?.view;
  if (view === undefined || view.project !== project) return undefined;
  const found = await api.directory.describe(project, view.name);
  if (found?.record.view.uid !== view.uid || found.record.view.claim !== claim) return undefined;
  // One that a request took which lost to another with the key, and gave back, names the key too.
  const noted = await givenBefore(api, { project, name });
  if (noted !== undefined) return noted;
  if ((await api.directory.latestRun(vmWorkflowId(project, name))) !== undefined) return undefined;
  // Only a create that says nothing but its template is ever given a VM.
  const asksForTheSame = isPlain && view.template?.name === template;
  return { ...found, specHash: undefined, requestHash: asksForTheSame ? (requestHash ?? undefined) : undefined };
}
