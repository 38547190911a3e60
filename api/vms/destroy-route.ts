import { TIMEOUTS } from '../../domain/timeouts.ts';
import { destroySignal } from '../../workflows/messages.ts';
import type { ApiContext } from '../api-context.ts';
import { requireRole } from '../http/authenticate.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { isWorkflowGone } from '../http/errors/temporal-errors.ts';
import { keyedRoute } from '../http/route.ts';
import { DEFAULT_WAIT_SECONDS, destroyQuerySchema, vmPathSchema } from '../schemas/requests.ts';
import { vmSchema } from '../schemas/vm.ts';
import { acceptDestroy } from '../requests/accept.ts';
import { LATER_REPLY } from '../requests/later-replies.ts';
import { laterHeadersSchema } from '../schemas/request.ts';
import type { VmRecord } from './seen/vm-record.ts';
import { describedVm, presented, vmReply } from './seen/vm-reply.ts';

export const destroyVmRoute = keyedRoute({
  method: 'delete',
  path: '/v1/vms/{name}',
  operationId: 'destroyVm',
  tag: 'VMs',
  summary: 'Destroy a VM',
  description:
    'The request is kept by Temporal before it is answered: the machine will be destroyed even if every other part of ' +
    'Ephemera is down now. Repeating it is fine.\n\n' +
    'It ends the life of the name that it finds, and no later one, however late it arrives. A caller that means one life ' +
    'names it with `uid`; 409 `otherLife` says that the name has another one by now.\n\n' +
    'The name is free once the machine is confirmed gone. Where that never happens (a provider that is down, a permission ' +
    `that is lost) an administrator adds \`force=true\`: the destroy is tried for ${TIMEOUTS.forcedDestroySeconds} s, counted from when it ` +
    'began, then the VM ends as `failed` with its reason and a `detail` that says so. Its name is free, and the sweeper ' +
    'removes the machine as soon as the provider works again.',
  access: 'operator',
  params: vmPathSchema,
  query: destroyQuerySchema,
  headers: laterHeadersSchema,
  replies: {
    200: {
      description: 'The VM has ended: its machine is confirmed gone, or by force left to the sweeper.',
      schema: vmSchema,
    },
    202: {
      description: 'Accepted; the machine is not confirmed gone yet. Or the request is done later, as it prefers.',
      ...LATER_REPLY,
    },
  },
  errors: ['unknownVm', 'otherLife', 'temporalUnavailable'],
  later: { wait: 'destroyed', accept: acceptDestroy, isDone: ({ closed }) => closed },
  handle: async ({ project, params, query, gone, caller, requestId }, api) => {
    const force = query.force === true;
    if (force) requireRole(caller, 'admin');
    const { record } = await describedVm(api, project, params.name);
    const { uid, machineId, state } = record.view;
    if (query.uid !== undefined && query.uid !== uid) throw otherLife(api, record, query.uid);
    if (record.closed) return vmReply(api, 200, record);
    const { workflowId } = record;
    if (force) {
      api.log.warn(
        { requestId, keyId: caller.id, project, workflowId, uid, machineId, state },
        'a VM is forced to end',
      );
    }
    await api.directory
      .within(() => api.directory.handle(workflowId).signal(destroySignal, { uid, ...(force ? { force } : {}) }))
      .catch((error: unknown) => {
        // It ended on its own in the meantime, which is what was asked for.
        if (!isWorkflowGone(error)) throw error;
      });
    if (query.wait === 'destroyed') {
      const seconds = query.timeoutSeconds ?? DEFAULT_WAIT_SECONDS;
      await api.endWaiters.wait(record, { until: performance.now() + seconds * 1000, gone });
    } else {
      const asked = await api.directory.fresh(record);
      if (asked !== record) return vmReply(api, 202, asked);
    }
    const now = await api.directory.sameLife(record);
    return vmReply(api, now.closed ? 200 : 202, now);
  },
});

function otherLife(api: ApiContext, record: VmRecord, meant: string): ApiProblem {
  const { name, uid } = record.view;
  return new ApiProblem('otherLife', `The latest life of ${name} is ${uid}, not ${meant}`, {
    members: { vm: presented(api, record) },
  });
}
