import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { keyedRoute, type Reply } from '../http/route.ts';
import { hostListSchema, hostPathSchema, hostSchema, type ApiHost } from '../schemas/host.ts';
import type { HostAction } from './host-directory.ts';

export const listHostsRoute = keyedRoute({
  method: 'get',
  path: '/v1/hosts',
  operationId: 'listHosts',
  tag: 'Hosts',
  summary: 'The hosts of the deployment',
  description:
    'Computers that run machines. One that does not answer is `away`, and `lost` when it did not return within its ' +
    'EPHEMERA_HOST_LOST_SECONDS: its VMs end as `lost`, or get a machine elsewhere (`onLost: recreate`).',
  access: 'viewer',
  replies: { 200: { description: 'All of them, at most a second old.', schema: hostListSchema } },
  errors: ['temporalUnavailable'],
  handle: async (_, api) => ({ status: 200, body: { hosts: await api.hosts.list() } }),
});

const COMMON = {
  tag: 'Hosts',
  access: 'admin',
  params: hostPathSchema,
  replies: {
    200: { description: 'Done: the host as its workflow answers now.', schema: hostSchema },
    202: {
      description: 'Kept by Temporal, and no worker has answered yet: the host as last seen.',
      schema: hostSchema,
      headers: { Location: 'Path of the list of hosts.' },
    },
  },
} as const;

export const cordonHostRoute = keyedRoute({
  ...COMMON,
  method: 'post',
  path: '/v1/hosts/{id}/cordon',
  operationId: 'cordonHost',
  summary: 'Give a host no new VMs',
  description: 'Those it has go on. A host that is away takes none either when it returns.',
  errors: ['hostNotFound', 'temporalUnavailable'],
  handle: ({ params }, api) => act(api, params.id, 'cordon'),
});

export const uncordonHostRoute = keyedRoute({
  ...COMMON,
  method: 'post',
  path: '/v1/hosts/{id}/uncordon',
  operationId: 'uncordonHost',
  summary: 'Take a cordon or a drain of a host back',
  description: 'VMs that a drain has reached already go on draining; `undrain` takes that back for each.',
  errors: ['hostNotFound', 'temporalUnavailable'],
  handle: ({ params }, api) => act(api, params.id, 'uncordon'),
});

export const drainHostRoute = keyedRoute({
  ...COMMON,
  method: 'post',
  path: '/v1/hosts/{id}/drain',
  operationId: 'drainHost',
  summary: 'Cordon a host and drain its VMs',
  description: 'Each VM ends when its users have left. The host is empty when `machines` is 0.',
  errors: ['hostNotFound', 'temporalUnavailable'],
  handle: ({ params }, api) => act(api, params.id, 'drain'),
});

export const removeHostRoute = keyedRoute({
  ...COMMON,
  method: 'delete',
  path: '/v1/hosts/{id}',
  operationId: 'removeHost',
  summary: 'Take a host out of the registry',
  description:
    'One that takes no creates (cordoned, draining or away) and has no machines, or one that is lost. Its worker ends if ' +
    'it still runs; a host that is started again enters anew.',
  errors: ['hostNotFound', 'hostInUse', 'temporalUnavailable'],
  handle: async ({ params }, api) => {
    const { host } = await existing(api, params.id);
    if (host.state !== 'lost') await refuseInUse(api, host);
    if (!(await api.hosts.signal(host.id, 'remove'))) throw notFound(host.id);
    return (await api.hosts.hasLeft(host.id)) ? { status: 200, body: host } : asLastSeen(host);
  },
});

async function act(api: ApiContext, hostId: string, action: Exclude<HostAction, 'remove'>): Promise<Reply> {
  const { host } = await existing(api, hostId);
  if (!(await api.hosts.signal(hostId, action))) throw notFound(hostId);
  const fresh = await api.hosts.fresh(hostId);
  return fresh === undefined ? asLastSeen(host) : { status: 200, body: fresh.host };
}

async function existing(api: ApiContext, hostId: string) {
  const found = await api.hosts.find(hostId);
  if (found === undefined) throw notFound(hostId);
  return found;
}

async function refuseInUse(api: ApiContext, { id, state, machines }: ApiHost): Promise<void> {
  const vms = await api.hosts.vmsOn(id);
  // A ready one may take a create between this look and its removal.
  if (state !== 'ready' && vms === 0 && (machines === 0 || state === 'away')) return;
  throw new ApiProblem('hostInUse', `${id} is ${state} and has ${vms} VMs and ${machines} machines`);
}

function notFound(hostId: string): ApiProblem {
  return new ApiProblem('hostNotFound', `There is no host ${hostId}`);
}

/** No worker has answered yet; where to look. */
function asLastSeen(host: ApiHost): Reply {
  return { status: 202, body: host, headers: { location: '/v1/hosts' } };
}
