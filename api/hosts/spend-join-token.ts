import { createHash } from 'node:crypto';
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '@temporalio/client';
import { z } from 'zod';
import { joinWorkflowId, MEMO, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';

const START_SECONDS = 5;
/** It ends with its first task; where no control worker runs, by itself. Temporal keeps it for days longer than a token lasts. */
const EXECUTION_MS = 3_600_000;

const spentSchema = z.object({ hostId: z.string(), hostKeySha256: z.string() });

/**
 * Spends the token for this host: the host that starts the workflow of its id has it, for ever. The same host, by its key, may
 * ask again, for its answer may have been lost. @throws ApiProblem `joinTokenUsed` for every other one.
 */
export async function spendJoinToken(
  api: Pick<ApiContext, 'client' | 'settings' | 'directory'>,
  tokenId: string,
  { hostId, hostKey }: { hostId: string; hostKey: string },
): Promise<void> {
  const spent = { hostId, hostKeySha256: createHash('sha256').update(hostKey).digest('hex') };
  const workflowId = joinWorkflowId(tokenId);
  try {
    await api.directory.within(
      () =>
        api.client.workflow.start(WORKFLOW_TYPE.join, {
          workflowId,
          taskQueue: api.settings.temporal.controlTaskQueue,
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
          workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
          workflowExecutionTimeout: EXECUTION_MS,
          memo: { [MEMO.join]: spent },
          staticSummary: `Host ${hostId} joins deployment ${api.settings.deployment}`,
        }),
      START_SECONDS,
    );
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const found = await api.directory.within(() => api.directory.handle(workflowId).describe(), START_SECONDS);
    const before = spentSchema.safeParse(found.memo?.[MEMO.join]).data;
    if (before?.hostId === spent.hostId && before.hostKeySha256 === spent.hostKeySha256) return;
    throw new ApiProblem('joinTokenUsed', `Host ${before?.hostId ?? 'another one'} joined with this token`);
  }
}
