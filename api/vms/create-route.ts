import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/problem.ts';
import { keyedRoute, type Reply } from '../http/route.ts';
import { createVmSchema } from '../schemas/create-vm.ts';
import { createQuerySchema, DEFAULT_WAIT_SECONDS, idempotencyHeaderSchema } from '../schemas/requests.ts';
import { vmSchema } from '../schemas/vm.ts';
import { createVm, type Created } from './create-vm.ts';
import { secondsLeft, type CallersTime } from './shared-waits.ts';
import { isBeingReplaced, isEnding, type VmRecord } from './vm-record.ts';
import { presented, vmPath, vmReply } from './vm-reply.ts';

/** How long a create that waits for nothing else gives an earlier life of its name to end. */
const ENDING_SECONDS = 5;
const RETRY_MS = 500;

export const createVmRoute = keyedRoute({
  method: 'post',
  path: '/v1/vms',
  operationId: 'createVm',
  tag: 'VMs',
  summary: 'Create a VM, or get the one that is there',
  description:
    'With a `name` this is get-or-create: an equal request gets the live VM of that name, one with another spec a 409. ' +
    'With `?wait=ready`, 201 and 200 mean that the VM is ready; 202 that it was not within the time; ' +
    'and 409 `endedBeforeReady`, with the VM in `vm`, that it ended before it was ready.\n\n' +
    'A VM that is being destroyed is no answer: the request waits until its machine is gone and starts the next life of ' +
    `the name, whatever the spec of the earlier one; at most \`timeoutSeconds\` with \`?wait=ready\`, ${ENDING_SECONDS} s without. ` +
    'Then it answers 409 `vmEnding`, with that VM in `vm`, and has made nothing. A VM that drains still lives, and so does ' +
    'one whose lost machine is being replaced. A request that repeats the create of a VM by its Idempotency-Key is answered with ' +
    'that VM, whatever became of it: nothing is made twice.',
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
    'optionNotAllowed',
    'insecureTransport',
    'contradictoryTimeouts',
    'specConflict',
    'vmEnding',
    'idempotencyConflict',
    'endedBeforeReady',
    'temporalUnavailable',
  ],
  handle: async ({ project, body, query, headers, gone }, api) => {
    const waits = query.wait === 'ready';
    const seconds = waits ? (query.timeoutSeconds ?? DEFAULT_WAIT_SECONDS) : ENDING_SECONDS;
    const time = { until: performance.now() + seconds * 1000, gone };
    const created = await createVm(api, { project, body, idempotencyKey: headers['idempotency-key'], time });
    if (!waits) return createReply(api, created, created.record);
    const ready = await awaitReady(api, created.record, time);
    return createReply(api, created, ready, isStarting(ready) ? 202 : undefined);
  },
});

/** The record once the VM has left its start, or as it is when the time is over. */
async function awaitReady(api: ApiContext, record: VmRecord, time: CallersTime): Promise<VmRecord> {
  let now = record;
  while (isStarting(now) && secondsLeft(time) > 0) {
    const answered = isBeingReplaced(now)
      ? await sleep(RETRY_MS, true, { signal: time.gone }).catch(() => false)
      : await api.readyWaiters.wait(now.workflowId, now.runId, time);
    now = await api.directory.sameLife(record);
    if (!answered) break;
    now = await api.directory.fresh(now);
  }
  if (isEnding(now) && now.view.readyAt === undefined) throw endedBeforeReady(api, now);
  return now;
}

function endedBeforeReady(api: ApiContext, record: VmRecord): ApiProblem {
  api.projection.see(record);
  const { name, state, reason, detail } = record.view;
  const why = [reason, detail].filter((text) => text !== undefined).join(': ');
  return new ApiProblem('endedBeforeReady', `${name} is ${state}${why === '' ? '' : ` (${why})`}`, {
    members: { vm: presented(api, record) },
  });
}

function isStarting(record: VmRecord): boolean {
  const { state } = record.view;
  return !record.closed && (state === 'creating' || state === 'booting' || isBeingReplaced(record));
}

function createReply(api: ApiContext, created: Created, record: VmRecord, status?: number): Reply {
  const location = vmPath(record.view.name);
  return vmReply(api, status ?? (created.isNew ? 201 : 200), record, { location });
}
