import type { ApiContext } from '../../api-context.ts';
import { keyedRoute, type Reply } from '../../http/route.ts';
import { createVmSchema } from '../../schemas/spec.ts';
import { createQuerySchema, DEFAULT_WAIT_SECONDS, createHeadersSchema } from '../../schemas/requests.ts';
import { vmSchema } from '../../schemas/vm.ts';
import { acceptCreate } from '../../requests/accept.ts';
import { LATER_REPLY } from '../../requests/later-replies.ts';
import { awaitReady, isOnItsWay } from '../waits/await-ready.ts';
import { createVm, type Created } from './create-vm.ts';
import { isStopped, type VmRecord } from '../seen/vm-record.ts';
import { vmPath, vmReply } from '../seen/vm-reply.ts';

/** How long a create that waits for nothing else gives an earlier life of its name to end. */
const ENDING_SECONDS = 5;

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
    'that VM, whatever became of it: nothing is made twice.\n\n' +
    'A VM of the name that is stopped is started again, with its disk: 200, with `startedFrom: stopped`. With `?wait=ready` a ' +
    'start that fails is 409 `startFailed`, and the VM is stopped as before.\n\n' +
    'A create without a name that says nothing but its template may get a VM of it that drains or is stopped, where the ' +
    'template has `reuse`: 200, with `startedFrom: drained` or `stopped`. What somebody had before is reset first, except ' +
    'where VMs that drain are shared.',
  access: 'operator',
  query: createQuerySchema,
  headers: createHeadersSchema,
  body: createVmSchema,
  replies: {
    200: { description: 'The VM was there already.', schema: vmSchema, headers: { Location: 'Path of the VM.' } },
    201: { description: 'The VM is new.', schema: vmSchema, headers: { Location: 'Path of the VM.' } },
    202: {
      description:
        'Asked to wait, and the VM was not ready in time; it goes on starting. Or the request is done later, as it prefers.',
      ...LATER_REPLY,
    },
  },
  errors: [
    'unknownTemplate',
    'unknownTemplateVersion',
    'unknownProvider',
    'unsupportedOption',
    'optionNotAllowed',
    'insecureTransport',
    'contradictoryTimeouts',
    'specConflict',
    'nameTaken',
    'vmEnding',
    'idempotencyConflict',
    'endedBeforeReady',
    'startFailed',
    'providerUnavailable',
    'temporalUnavailable',
  ],
  later: { wait: 'ready', accept: acceptCreate },
  handle: async ({ caller, project, body, query, headers, gone }, api) => {
    const waits = query.wait === 'ready';
    const seconds = waits ? (query.timeoutSeconds ?? DEFAULT_WAIT_SECONDS) : ENDING_SECONDS;
    const time = { until: performance.now() + seconds * 1000, gone };
    const idempotencyKey = headers['idempotency-key'];
    const created = await createVm(api, { project, createdBy: caller.id, body, idempotencyKey, time });
    // A repeat wakes nobody, so there is nothing to wait for.
    const isAsleep = created.isRepeat === true && isStopped(created.record);
    if (!waits || isAsleep) return createReply(api, created, created.record);
    const ready = await awaitReady(api, created.record, time);
    return createReply(api, created, ready, isOnItsWay(ready) ? 202 : undefined);
  },
});

function createReply(api: ApiContext, created: Created, record: VmRecord, status?: number): Reply {
  const location = vmPath(record.view.name);
  return vmReply(api, status ?? (created.isNew ? 201 : 200), record, { location });
}
