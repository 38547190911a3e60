import { keyedRoute } from '../http/route.ts';
import { getQuerySchema, vmPathSchema } from '../schemas/requests.ts';
import { vmSchema } from '../schemas/vm.ts';
import { mayAct } from './seen/vm-actions.ts';
import { describedVm, vmReply } from './seen/vm-reply.ts';

export const getVmRoute = keyedRoute({
  method: 'get',
  path: '/v1/vms/{name}',
  operationId: 'getVm',
  tag: 'VMs',
  summary: 'Get a VM',
  description:
    'The latest life of the name, also after its end, as long as Temporal keeps it. A VM whose workflow was terminated ' +
    'is shown as `failed` with a `detail` that says so.',
  access: 'viewer',
  params: vmPathSchema,
  query: getQuerySchema,
  replies: { 200: { description: 'The VM.', schema: vmSchema } },
  errors: ['unknownVm', 'temporalUnavailable'],
  handle: async ({ project, caller, params, query }, api) => {
    const { record } = await describedVm(api, project, params.name);
    const reply = vmReply(api, 200, query.fresh ? await api.directory.fresh(record) : record);
    return mayAct(caller.role) ? reply : { ...reply, body: { ...reply.body, can: [] } };
  },
});
