import { z } from 'zod';
import { REQUEST_STATES, type RequestState } from '../../domain/request/view.ts';
import { ENDED_KEPT, ENDED_KEPT_SECONDS } from '../../domain/request/state.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { choice } from '../../spec/choice.ts';

/** The name that its request waits among the others of, and what tells it from those. */
const REQUEST_ID = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.[0-9a-f]{20}$/;

export const requestPathSchema = z.strictObject({
  id: z.string().regex(REQUEST_ID, 'not an id of a request').meta({ description: '`id` of the request.' }),
});

const STATE_TEXT = choice<RequestState>('How far it is.', {
  queued: 'it waits for its turn, or for what it needs',
  running: 'it is being done',
  done: 'it did what it asked for; `result` has the VM',
  failed: 'it did not; `problem` says why',
  cancelled: 'somebody took it back before it was begun',
});

/** What a request of `Prefer: respond-async` is known by. */
export const requestSchema = z
  .object({
    id: z.string().describe('Its id: the last part of the Location header.'),
    name: z
      .string()
      .describe('The name that it is for: requests for one name are done in the order in which they were accepted.'),
    project: z.string().describe('The project of the key that asked.'),
    operation: z.string().describe('What is done: an `operationId` of this document.'),
    state: z.enum(REQUEST_STATES).describe(STATE_TEXT),
    createdBy: z.string().describe('Id of the API key that asked.'),
    position: z.int().optional().describe('Requests for the same name that are done before; absent once it is begun.'),
    waitsFor: z.string().optional().meta({ description: 'Why its latest try was put off: a code, and what it means.' }),
    acceptedAt: z.iso.datetime().describe('When it was accepted.'),
    expiresAt: z.iso.datetime().describe('It fails as `requestExpired` when it was not begun by then.'),
    startedAt: z.iso.datetime().optional().describe('When it was begun; absent before.'),
    endedAt: z.iso.datetime().optional().describe('When it was done, failed or cancelled; absent before.'),
    result: z
      .object({
        status: z.int().describe('Status that the request would have been answered with at once.'),
        vm: z
          .object({
            name: z.string().describe('Its name: another one where a create without a name got a VM that was there.'),
            uid: z.string().describe('The life of the name.'),
            state: z.string().describe('Its state when the request was done.'),
          })
          .nullable()
          .describe('The VM that it was about.'),
        image: z
          .object({
            name: z.string().describe('Its name in the project.'),
            imageId: z.string().describe('As its provider knows it.'),
          })
          .optional()
          .describe('The image that a snapshot made; absent for what makes none.'),
      })
      .optional()
      .describe('What came of it, once it is done.'),
    problem: z
      .object({
        code: z.string().meta({ description: '`code` of the problem document that it would have been answered with.' }),
        status: z.int().describe('Status that the request would have been answered with at once.'),
        title: z.string().describe('What the code means.'),
        detail: z.string().describe('What was wrong, and what to do next.'),
      })
      .optional()
      .describe('Why it failed.'),
  })
  .meta({
    id: 'Request',
    description: `A request that is done later. It is known for ${ENDED_KEPT_SECONDS / 3600} hours after its end, the last ${ENDED_KEPT} of each name.`,
  });
export type ApiRequest = z.infer<typeof requestSchema>;

/** Tells a request that is done later from a VM, in answers that may be either. */
export const REQUEST_CONTENT_TYPE = 'application/vnd.ephemera.request+json';

export const REQUEST_LOCATION = 'Path of the VM, or with `Prefer: respond-async` of the request.';

/** `Prefer` and Idempotency-Key of a request that can be done later. */
export const laterHeadersSchema = z.looseObject({
  prefer: z
    .string()
    .max(200)
    .optional()
    .meta({
      description:
        '`respond-async` (RFC 7240): the request is checked, written down durably, and answered 202 with the path of a ' +
        'request in Location, also while workers, hosts or the provider are down. Requests for one name are done in the ' +
        'order in which they were accepted, each when the one before has come to its end: a create when its VM is ready, ' +
        'a stop when it is stopped. Requests without it wait for none of them. Default: it is done at once.',
    }),
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
    .optional()
    .meta({
      description:
        'With `Prefer: respond-async`: the same key and request for a name is the same request, for as long as that is known. Default: none.',
    }),
});

/** Beside the parameters of a request that can be done later. */
export const queueTimeoutSeconds = z
  .int()
  .min(1)
  .max(TIMEOUTS.requestQueueMaxSeconds)
  .optional()
  .meta({
    description: `With \`Prefer: respond-async\`: how long it may wait until it is begun. Default: ${TIMEOUTS.requestQueueSeconds}.`,
  });
