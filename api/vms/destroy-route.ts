import { setTimeout as sleep } from 'node:timers/promises';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { destroySignal, type DestroyOptions } from '../../workflows/messages.ts';
import type { ApiContext } from '../api-context.ts';
import { requireRole } from '../http/authenticate.ts';
import { isTemporalUnavailable, isWorkflowGone } from '../http/temporal-errors.ts';
import { keyedRoute } from '../http/route.ts';
import { DEFAULT_WAIT_SECONDS, destroyQuerySchema, vmPathSchema } from '../schemas/requests.ts';
import { vmSchema } from '../schemas/vm.ts';
import type { VmRecord } from './vm-record.ts';
import { describedVm, vmReply } from './vm-reply.ts';

const RETRY_MS = 500;

export const destroyVmRoute = keyedRoute({
  method: 'delete',
  path: '/v1/vms/{name}',
  operationId: 'destroyVm',
  tag: 'VMs',
  summary: 'Destroy a VM',
  description:
    'The request is kept by Temporal before it is answered: the machine will be destroyed even if every other part of ' +
    'Ephemera is down now. Repeating it is fine.\n\n' +
    'The name is free once the machine is confirmed gone. Where that never happens (a provider that is down, a permission ' +
    `that is lost) an administrator adds \`force=true\`: the destroy is tried for ${TIMEOUTS.forcedDestroySeconds} s, counted from when it ` +
    'began, then the VM ends as `failed` with its reason and a `detail` that says so. Its name is free, and the sweeper ' +
    'removes the machine as soon as the provider works again.',
  access: 'operator',
  params: vmPathSchema,
  query: destroyQuerySchema,
  replies: {
    200: {
      description: 'The VM has ended: its machine is confirmed gone, or by force left to the sweeper.',
      schema: vmSchema,
    },
    202: { description: 'Accepted; the machine is not confirmed gone yet.', schema: vmSchema },
  },
  errors: ['unknownVm', 'temporalUnavailable'],
  handle: async ({ project, params, query, gone, caller, requestId }, api) => {
    const force = query.force === true;
    if (force) requireRole(caller, 'admin');
    const { record } = await describedVm(api, project, params.name);
    if (record.closed) return vmReply(api, 200, record);
    if (force) {
      const { uid, machineId, state } = record.view;
      const { workflowId } = record;
      api.log.warn(
        { requestId, keyId: caller.id, project, workflowId, uid, machineId, state },
        'a VM is forced to end',
      );
    }
    const options: [DestroyOptions?] = force ? [{ force }] : [];
    await api.directory
      .within(() => api.directory.handle(record.workflowId).signal(destroySignal, ...options))
      .catch((error: unknown) => {
        // It ended on its own in the meantime, which is what was asked for.
        if (!isWorkflowGone(error)) throw error;
      });
    if (query.wait !== 'destroyed') return vmReply(api, 202, await api.directory.fresh(record));
    await untilClosed(api, record, query.timeoutSeconds ?? DEFAULT_WAIT_SECONDS, gone);
    const latest = await api.directory.describeWorkflow(record.workflowId).catch(() => undefined);
    const now = latest?.record.view.uid === record.view.uid ? latest.record : record;
    return vmReply(api, now.closed ? 200 : 202, now);
  },
});

/** Waits for the close of one life of a VM, at most so long. */
async function untilClosed(api: ApiContext, record: VmRecord, seconds: number, gone: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const giveUp = (): void => stop.abort();
  gone.addEventListener('abort', giveUp);
  const timer = setTimeout(giveUp, seconds * 1000);
  const { signal } = stop;
  try {
    const handle = api.directory.handle(record.workflowId, record.runId);
    for (;;) {
      try {
        await api.client.withAbortSignal(signal, () => handle.result());
        return;
      } catch (error) {
        if (signal.aborted || !isTemporalUnavailable(error)) return;
      }
      await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    clearTimeout(timer);
    gone.removeEventListener('abort', giveUp);
  }
}
