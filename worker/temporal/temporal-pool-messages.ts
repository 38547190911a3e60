import type { Client } from '@temporalio/client';
import type { PoolMessages } from '../../activities/control/template-activities.ts';
import { poolWorkflowId, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import { configurePoolSignal } from '../../workflows/messages.ts';
import type { runPool } from '../../workflows/pool/pool.ts';

/** By a signal that starts the pool where it is not there. Errors of the client pass. */
export function temporalPoolMessages(client: Client, controlTaskQueue: string): PoolMessages {
  return async (project, template) => {
    await client.workflow.signalWithStart<typeof runPool, [{ template: typeof template }]>(WORKFLOW_TYPE.pool, {
      workflowId: poolWorkflowId(project, template.name, controlTaskQueue),
      taskQueue: controlTaskQueue,
      args: [{ project, template: template.name }],
      signal: configurePoolSignal,
      signalArgs: [{ template }],
      staticSummary: `Warm machines of template ${template.name} of project ${project}`,
    });
  };
}
