import { statesThatAllow, vmCan, type VmAction } from '../../domain/vm/actions.ts';
import {
  connectionsSignal,
  drainSignal,
  holdSignal,
  undrainSignal,
  type LifeOptions,
} from '../../workflows/messages.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { isWorkflowGone } from '../http/errors/temporal-errors.ts';
import { keyedRoute, type Reply } from '../http/route.ts';
import { connectionsBodySchema, holdBodySchema, vmPathSchema } from '../schemas/requests.ts';
import { vmSchema, type ApiVm } from '../schemas/vm.ts';
import { describedVm, vmReply } from './seen/vm-reply.ts';

export const ACTION_REPLIES = {
  200: { description: 'Done: the VM as its workflow answers now.', schema: vmSchema },
  202: {
    description: 'Kept by Temporal, and no worker has answered yet: the VM as last seen.',
    schema: vmSchema,
    headers: { Location: 'Path of the VM.' },
  },
} as const;

const COMMON = {
  method: 'post',
  tag: 'VMs',
  access: 'operator',
  params: vmPathSchema,
  errors: ['unknownVm', 'actionNotAllowed', 'temporalUnavailable'],
  replies: ACTION_REPLIES,
} as const;

export const drainVmRoute = keyedRoute({
  ...COMMON,
  path: '/v1/vms/{name}/drain',
  operationId: 'drainVm',
  summary: 'Admit nobody new, let current users finish, then destroy or stop, as `idle.action` says',
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

export const setConnectionsRoute = keyedRoute({
  ...COMMON,
  method: 'put',
  path: '/v1/vms/{name}/connections',
  operationId: 'setConnections',
  summary: 'Say how many use a VM, counted elsewhere',
  description:
    'For a count that its agent cannot know, such as that of a matchmaker. The same as the signal `connections`: it counts as ' +
    'use, and where an agent reports, its own count holds from its next report on and is asked before the VM ends.',
  body: connectionsBodySchema,
  handle: ({ project, params, body }, api) =>
    act(api, project, params.name, 'setConnections', (workflowId, life) => {
      const lease = body.lease === undefined ? {} : { lease: body.lease };
      return api.directory.handle(workflowId).signal(connectionsSignal, body.connections, { ...life, ...lease });
    }),
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

export function notAllowed(
  action: VmAction,
  { name, state }: Pick<ApiVm, 'name' | 'state'>,
  why = `${name} is ${state}, which does not allow ${action}`,
): ApiProblem {
  const named = statesThatAllow(action).join(' or ');
  return new ApiProblem('actionNotAllowed', why, { named });
}
