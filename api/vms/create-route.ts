import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/problem.ts';
import { keyedRoute, type Reply } from '../http/route.ts';
import { createVmSchema } from '../schemas/create-vm.ts';
import { createQuerySchema, DEFAULT_WAIT_SECONDS, idempotencyHeaderSchema } from '../schemas/requests.ts';
import { vmSchema } from '../schemas/vm.ts';
import { createVm, type Created } from './create-vm.ts';
import type { VmRecord } from './vm-record.ts';
import { presented, vmPath, vmReply } from './vm-reply.ts';

export const createVmRoute = keyedRoute({
  method: 'post',
  path: '/v1/vms',
  operationId: 'createVm',
  tag: 'VMs',
  summary: 'Create a VM, or get the one that is there',
  description:
    'With a `name` this is get-or-create: an equal request gets the live VM of that name, one with another spec a 409. ' +
    'With `?wait=ready`, 201 and 200 mean that the VM is ready; 202 that it was not within the time; ' +
    'and 409 `endedBeforeReady`, with the VM in `vm`, that it ended before it was ready.',
  access: 'operator',
  query: createQuerySchema,
  headers: idempotencyHeaderSchema,
  body: createVmSchema,
  replies: {
    200: { description: 'The VM was there already.', schema: vmSchema, headers: { Location: 'Path of the VM.' } },
    201: { description: 'The VM is new.', schema: vmSchema, headers: { Location: 'Path of the VM.' } },
    202: {
      description: 'Asked to wait, and the VM was not ready in time; it goes on starting.',
      schema: vmSchema,
      headers: { Location: 'Path of the VM.' },
    },
  },
  errors: [
    'unknownTemplate',
    'unknownProvider',
    'unsupportedOption',
    'contradictoryTimeouts',
    'specConflict',
    'idempotencyConflict',
    'endedBeforeReady',
    'temporalUnavailable',
  ],
  handle: async ({ project, body, query, headers, gone }, api) => {
    const created = await createVm(api, project, body, headers['idempotency-key']);
    if (query.wait !== 'ready') return createReply(api, created, created.record);
    const ready = await awaitReady(api, created.record, query.timeoutSeconds ?? DEFAULT_WAIT_SECONDS, gone);
    return createReply(api, created, ready, isStarting(ready) ? 202 : undefined);
  },
});

/** The record once the VM has left its start, or as it is when the time is over. */
async function awaitReady(api: ApiContext, record: VmRecord, seconds: number, gone: AbortSignal): Promise<VmRecord> {
  if (record.closed || !isStarting(record)) return record;
  const { workflowId, runId } = record;
  const answered = await api.readyWaiters.wait(workflowId, runId, seconds, gone);
  const latest = await api.directory.describeWorkflow(workflowId).catch(() => undefined);
  const sameLife = latest?.record.view.uid === record.view.uid ? latest.record : record;
  const now = answered ? await api.directory.fresh(sameLife) : sameLife;
  if (answered && endedBeforeReady(now)) {
    api.projection.see(now);
    const { name, state, reason, detail } = now.view;
    const why = [reason, detail].filter((text) => text !== undefined).join(': ');
    throw new ApiProblem('endedBeforeReady', `${name} is ${state}${why === '' ? '' : ` (${why})`}`, {
      members: { vm: presented(api, now) },
    });
  }
  return now;
}

function isStarting({ view }: VmRecord): boolean {
  return view.state === 'creating' || view.state === 'booting';
}

function endedBeforeReady({ view }: VmRecord): boolean {
  const ended = view.state === 'destroying' || view.state === 'destroyed' || view.state === 'failed';
  return ended && view.readyAt === undefined;
}

function createReply(api: ApiContext, created: Created, record: VmRecord, status?: number): Reply {
  const location = vmPath(record.view.name);
  return vmReply(api, status ?? (created.isNew ? 201 : 200), record, { location });
}
