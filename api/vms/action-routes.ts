import { statesThatAllow, vmCan, type VmAction } from '../../domain/actions.ts';
import { drainSignal, holdSignal, undrainSignal } from '../../workflows/messages.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/problem.ts';
import { isWorkflowGone } from '../http/temporal-errors.ts';
import { keyedRoute, type Reply } from '../http/route.ts';
import { holdBodySchema, vmPathSchema } from '../schemas/requests.ts';
import { vmSchema, type ApiVm } from '../schemas/vm.ts';
import { describedVm, vmReply } from './vm-reply.ts';

const COMMON = {
  method: 'post',
  tag: 'VMs',
  access: 'operator',
  params: vmPathSchema,
  errors: ['unknownVm', 'actionNotAllowed', 'temporalUnavailable'],
  replies: {
    200: { description: 'Done: the VM as its workflow answers now.', schema: vmSchema },
    202: { description: 'Kept by Temporal, and no worker has answered yet: the VM as last seen.', schema: vmSchema },
  },
} as const;

export const drainVmRoute = keyedRoute({
  ...COMMON,
  path: '/v1/vms/{name}/drain',
  operationId: 'drainVm',
  summary: 'Admit nobody new, let current users finish, then destroy',
  handle: ({ project, params }, api) =>
    act(api, project, params.name, 'drain', (workflowId) => api.directory.handle(workflowId).signal(drainSignal)),
});

export const undrainVmRoute = keyedRoute({
  ...COMMON,
  path: '/v1/vms/{name}/undrain',
  operationId: 'undrainVm',
  summary: 'Take a drain back',
  handle: ({ project, params }, api) =>
    act(api, project, params.name, 'undrain', (workflowId) => api.directory.handle(workflowId).signal(undrainSignal)),
});

export const holdVmRoute = keyedRoute({
  ...COMMON,
  path: '/v1/vms/{name}/hold',
  operationId: 'holdVm',
  summary: 'Keep an empty VM for some time',
  description: 'Postpones every end for emptiness, never `maxLifetimeSeconds`. 0 seconds releases the hold.',
  body: holdBodySchema,
  handle: ({ project, params, body }, api) =>
    act(api, project, params.name, 'hold', (workflowId) =>
      api.directory.handle(workflowId).signal(holdSignal, body.seconds),
    ),
});

/** Checks that the action makes sense, signals it durably, and answers with the view that follows. */
async function act(
  api: ApiContext,
  project: string,
  name: string,
  action: VmAction,
  signal: (workflowId: string) => Promise<void>,
): Promise<Reply> {
  const { record } = await describedVm(api, project, name);
  if (record.closed || !vmCan[action](record.view.state)) throw notAllowed(action, record.view);
  try {
    await api.directory.within(() => signal(record.workflowId));
  } catch (error) {
    if (!isWorkflowGone(error)) throw error;
    const ended = await describedVm(api, project, name);
    throw notAllowed(action, ended.record.view);
  }
  const fresh = await api.directory.fresh(record);
  return vmReply(api, fresh === record ? 202 : 200, fresh);
}

function notAllowed(action: VmAction, { name, state }: Pick<ApiVm, 'name' | 'state'>): ApiProblem {
  const allowed = statesThatAllow(action).join(', ');
  return new ApiProblem('actionNotAllowed', `${name} is ${state}; ${action} is for VMs that are ${allowed}`);
}
