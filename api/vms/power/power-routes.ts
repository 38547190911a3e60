import { descriptorOf } from '../../../providers/lookup.ts';
import type { ApiContext } from '../../api-context.ts';
import { keyedRoute, type Reply } from '../../http/route.ts';
import {
  DEFAULT_WAIT_SECONDS,
  createQuerySchema,
  stopQuerySchema,
  suspendQuerySchema,
  vmPathSchema,
} from '../../schemas/requests.ts';
import { acceptPower } from '../../requests/accept.ts';
import { LATER_ACTION_REPLIES } from '../../requests/later-replies.ts';
import { laterHeadersSchema } from '../../schemas/request.ts';
import { notAllowed } from '../action-routes.ts';
import { bringBack, takeDown, type PowerAction } from './ask-power.ts';
import { refuseUnsupportedAction } from './refuse-action.ts';
import { awaitReady, isOnItsWay } from '../waits/await-ready.ts';
import type { VmRecord } from '../seen/vm-record.ts';
import { describedVm, vmReply } from '../seen/vm-reply.ts';

const COMMON = {
  method: 'post',
  tag: 'VMs',
  access: 'operator',
  params: vmPathSchema,
  headers: laterHeadersSchema,
  replies: LATER_ACTION_REPLIES,
} as const;

const DOWN_ERRORS = ['unknownVm', 'actionNotAllowed', 'unsupportedAction', 'vmInUse', 'temporalUnavailable'] as const;
const UP_ERRORS = [
  'unknownVm',
  'actionNotAllowed',
  'unsupportedAction',
  'startFailed',
  'endedBeforeReady',
  'temporalUnavailable',
] as const;

export const stopVmRoute = keyedRoute({
  ...COMMON,
  path: '/v1/vms/{name}/stop',
  operationId: 'stopVm',
  summary: 'Stop the machine and keep its disk',
  description:
    'The VM keeps its name, its machine and what is on its disk; memory and connections are lost. A stop of a VM with users ' +
    'answers 409 `vmInUse` unless it is forced. It is started by `start`, or by a create of its name; after ' +
    '`idle.retentionSeconds` it ends, and so it does at `maxLifetimeSeconds`. Repeating it is fine; a stop while it starts ' +
    'ends the start.',
  query: stopQuerySchema,
  errors: DOWN_ERRORS,
  later: {
    accept: ({ project, params }, api) => acceptPower(api, project, params.name, 'stop'),
    isDone: ({ state }) => state === 'stopped',
  },
  handle: async ({ project, params, query }, api) =>
    takenDown(api, await liveVm(api, project, params.name, 'stop'), 'stop', query.force === true),
});

export const startVmRoute = keyedRoute({
  ...COMMON,
  path: '/v1/vms/{name}/start',
  operationId: 'startVm',
  summary: 'Start a stopped VM again',
  description:
    'The same machine with its disk, perhaps at another address. On a host it needs room again, and waits for it in ' +
    '`starting`. A start that fails or is not ready in time costs nothing: the VM is `stopped` again, and `detail` says why. ' +
    'Repeating it is fine; a start while it stops follows the stop.',
  query: createQuerySchema,
  errors: UP_ERRORS,
  later: {
    accept: ({ project, params }, api) => acceptPower(api, project, params.name, 'start'),
    wait: 'ready',
  },
  handle: async ({ project, params, query, gone }, api) =>
    broughtBack(api, await liveVm(api, project, params.name, 'start'), 'start', { ...query, gone }),
});

export const suspendVmRoute = keyedRoute({
  ...COMMON,
  path: '/v1/vms/{name}/suspend',
  operationId: 'suspendVm',
  summary: 'Suspend the machine and keep its memory',
  description:
    'The VM keeps its name, its machine, its memory and what is on its disk; connections may be lost. A suspend of a VM with ' +
    'users answers 409 `vmInUse` unless it is forced. It goes on by `resume`, by `start`, or by a create of its name; after ' +
    '`idle.retentionSeconds` it is stopped. Where its provider refuses to suspend this machine the VM runs on, and `GET ' +
    '/v1/vms/{name}/timeline` says why. Repeating it is fine; a suspend while it resumes ends the resume.',
  query: suspendQuerySchema,
  errors: DOWN_ERRORS,
  later: {
    accept: ({ project, params }, api) => acceptPower(api, project, params.name, 'suspend'),
    isDone: ({ state }) => state === 'suspended',
  },
  handle: async ({ project, params, query }, api) =>
    takenDown(api, await liveVm(api, project, params.name, 'suspend'), 'suspend', query.force === true),
});

export const resumeVmRoute = keyedRoute({
  ...COMMON,
  path: '/v1/vms/{name}/resume',
  operationId: 'resumeVm',
  summary: 'Resume a suspended VM',
  description:
    'The same machine goes on with its memory; one whose memory its provider did not keep starts from its disk. A resume that ' +
    'fails or is not ready in time costs nothing: the VM is `suspended` again, and `detail` says why. A VM that is stopped ' +
    'needs a `start`. Repeating it is fine; a resume while it is being suspended follows that.',
  query: createQuerySchema,
  errors: UP_ERRORS,
  later: {
    accept: ({ project, params }, api) => acceptPower(api, project, params.name, 'resume'),
    wait: 'ready',
  },
  handle: async ({ project, params, query, gone }, api) =>
    broughtBack(api, await liveVm(api, project, params.name, 'resume'), 'resume', { ...query, gone }),
});

interface BackWait {
  wait?: 'ready' | undefined;
  timeoutSeconds?: number | undefined;
  gone: AbortSignal;
}

async function takenDown(
  api: ApiContext,
  record: VmRecord,
  action: 'stop' | 'suspend',
  force: boolean,
): Promise<Reply> {
  const reply = await takeDown(api, record, action, force);
  return vmReply(api, reply.status, reply.record);
}

async function broughtBack(
  api: ApiContext,
  record: VmRecord,
  action: 'start' | 'resume',
  { wait, timeoutSeconds = DEFAULT_WAIT_SECONDS, gone }: BackWait,
): Promise<Reply> {
  const reply = await bringBack(api, record, action);
  if (wait !== 'ready' || reply.record.closed) return vmReply(api, reply.status, reply.record);
  const ready = await awaitReady(api, reply.record, { until: performance.now() + timeoutSeconds * 1000, gone });
  return vmReply(api, isOnItsWay(ready) ? 202 : 200, ready);
}

/** The present life of a name. @throws ApiProblem `unknownVm`, `unsupportedAction`, `actionNotAllowed`. */
export async function liveVm(api: ApiContext, project: string, name: string, action: PowerAction): Promise<VmRecord> {
  const { record } = await describedVm(api, project, name);
  refuseUnsupportedAction(descriptorOf(record.view.provider), action);
  if (record.closed) throw notAllowed(action, record.view);
  return record;
}
