import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { TemplateDependencies, TemplateVm, TemplateVms } from '../../activities/control/template-activities.ts';
import { runningWorkflows } from '../../config/temporal/running-workflows.ts';
import { SEARCH_ATTRIBUTE, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import { rollOverSignal } from '../../workflows/messages.ts';
import { templateVm } from './published-vm.ts';
import { temporalPoolMessages } from './temporal-pool-messages.ts';

/** VMs of one answer. */
const PAGE = 200;

/** What the activities of templates tell pools and VMs. Errors of the client pass. */
export function temporalTemplates(client: Client, controlTaskQueue: string): TemplateDependencies {
  return {
    configure: temporalPoolMessages(client, controlTaskQueue),
    vms: temporalTemplateVms(client, controlTaskQueue),
  };
}

/** By the search attributes that each VM was started with. */
function temporalTemplateVms(client: Client, controlTaskQueue: string): TemplateVms {
  return {
    of: (project, template) => vmsOf(client, { project, template, controlTaskQueue }),
    tell: async ({ workflowId, uid }, order) => {
      const about = uid === undefined ? order : { ...order, uid };
      await client.workflow
        .getHandle(workflowId)
        .signal(rollOverSignal, about)
        .catch((error: unknown) => {
          if (!(error instanceof WorkflowNotFoundError)) throw error;
        });
    },
  };
}

async function* vmsOf(
  client: Client,
  { project, template, controlTaskQueue }: { project: string; template: string; controlTaskQueue: string },
): AsyncIterable<TemplateVm> {
  const { project: projectKey, template: templateKey } = SEARCH_ATTRIBUTE;
  const about = [`${projectKey.name} = '${project}'`, `${templateKey.name} = '${template}'`];
  const query = runningWorkflows(WORKFLOW_TYPE.vm, controlTaskQueue, ...about);
  for await (const { workflowId, memo } of client.workflow.list({ query, pageSize: PAGE })) {
    const vm = templateVm(memo);
    if (vm !== undefined) yield { workflowId, ...vm };
  }
}
