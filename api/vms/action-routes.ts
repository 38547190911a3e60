import { statesThatAllow, vmCan, type VmAction } from '../../domain/actions.ts';
import { drainSignal, holdSignal, undrainSignal, type LifeOptions } from '../../workflows/messages.ts';
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
    act(api, project, params.name, 'drain', (workflowId, life) =>
      api.directory.handle(workflowId).signal(drainSignal, life),
    ),
});

export const undrainVmRoute = keyedRoute({
  ...COMMON,
  path: '/v1/vms/{name}/undrain',
  operationId: 'undrainVm',
  summary: 'Take a drain back',
  handle: ({ project, params }, api) =>
    act(api, project, params.name, 'undrain', (workflowId, life) =>
      api.directory.handle(workflowId).signal(undrainSignal, life),
    ),
});

export const holdVmRoute = keyedRoute({
  ...COMMON,
  path: '/v1/vms/{name}/hold',
  operationId: 'holdVm',
  summary: 'Keep an empty VM for some time',
  description: 'Postpones every end for emptiness, never `maxLifetimeSeconds`. 0 seconds releases the hold.',
  body: holdBodySchema,
  handle: ({ project, params, body }, api) =>
    act(api, project, params.name, 'hold', (workflowId, life) =>
      api.directory.handle(workflowId).signal(holdSignal, body.seconds, life),
    ),
});

/** Checks that the action makes sense, signals it durably to that one life, and answers with the view that follows. */
async function act(
  api: ApiContext,
  project: string,
  name: string,
  action: VmAction,
  signal: (workflowId: string, life: LifeOptions) => Promise<void>,
): Promise<Reply> {
  const { record } = await describedVm(api, project, name);
  if (record.closed || !vmCan[action](record.view.state)) throw notAllowed(action, record.view);
  try {
    await api.directory.within(() => signal(record.workflowId, { uid: record.view.uid }));
  } catch (error) {
    if (!isWorkflowGone(error)) throw error;
    const ended = await describedVm(api, project, name);
    throw notAllowed(action, ended.record.view);
  }
  const fresh = await api.directory.fresh(record);
  if (fresh !== record) return vmReply(api, 200, fresh);
  const latest = await api.directory.sameLife(record);
  if (latest.closed) throw notAllowed(action, latest.view);
  return vmReply(api, 202, latest);
}

function notAllowed(action: VmAction, { name, state }: Pick<ApiVm, 'name' | 'state'>): ApiProblem {
  const named = statesThatAllow(action).join(' or ');
  return new ApiProblem('actionNotAllowed', `${name} is ${state}, which does not allow ${action}`, { named });
}
