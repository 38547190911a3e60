/** A template of its own on a control worker, driven by its signals alone. */
import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import type { PutTemplate } from '../../domain/template/messages.ts';
import type { TemplateContent } from '../../domain/template/state.ts';
import type { TemplateView } from '../../domain/template/view.ts';
import { templateWorkflowId, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import { putTemplateSignal, templateViewQuery, type TemplateInput } from '../../workflows/messages.ts';
import type { runTemplate } from '../../workflows/template/template.ts';
import type { TestServer } from '../temporal-server.ts';

export interface TemplateScene {
  workflowId: string;
  handle: WorkflowHandle<typeof runTemplate>;
  /** Puts a content that only differs by this image, and by what is said besides. */
  put: (image: string, more?: Partial<TemplateContent>) => Promise<unknown>;
  view: () => Promise<TemplateView>;
}

/** `queue`: of a running control worker. */
export function templateScene(server: TestServer, queue: string, input: Partial<TemplateInput> = {}): TemplateScene {
  const name = `t-${randomUUID().slice(0, 8)}`;
  const workflowId = templateWorkflowId('default', name, queue);
  const handle = server.client.workflow.getHandle<typeof runTemplate>(workflowId);
  return {
    ...{ workflowId, handle },
    put: (image, more = {}) =>
      server.client.workflow.signalWithStart<typeof runTemplate, [PutTemplate]>(WORKFLOW_TYPE.template, {
        ...{ workflowId, taskQueue: queue, args: [{ project: 'default', name, ...input }] },
        signal: putTemplateSignal,
        signalArgs: [
          {
            content: { spec: { image }, reuse: 'none', warm: null, ...more },
            ...{ contentHash: `${image} ${JSON.stringify(more)}`, putId: randomUUID(), createdBy: 'key-1' },
          },
        ],
      }),
    view: () => handle.query(templateViewQuery),
  };
}
