import { ApiProblem } from '../http/errors/problem.ts';
import { keyedRoute } from '../http/route.ts';
import { eventSchema, eventsHeadersSchema, eventsQuerySchema, positionOf } from '../schemas/event.ts';
import type { Watch } from './event-stream.ts';

const EVENT_STREAM = 'text/event-stream';

export const watchEventsRoute = keyedRoute({
  method: 'get',
  path: '/v1/events',
  operationId: 'watchEvents',
  tag: 'Events',
  summary: 'Watch what happens to the VMs of the project',
  description:
    'Server-sent events, until the client hangs up (docs/events.md). Blocks of type `vm` have an event of the schema `Event` ' +
    'as JSON. `open` comes first; `gap` names events of one VM that are not kept any more; `reset` says that a position is too ' +
    'old, so that all VMs have to be listed again; `end` says why the server ends the stream. A stream that was cut goes on ' +
    'with `Last-Event-ID`, at any replica; there an event may come again.',
  access: 'viewer',
  query: eventsQuerySchema,
  headers: eventsHeadersSchema,
  replies: {
    200: {
      description: 'The stream. The data of a block of type `vm` has this schema.',
      schema: eventSchema,
      contentType: EVENT_STREAM,
    },
  },
  errors: ['tooManyWatchers', 'notReady'],
  handle: ({ project, caller, query, headers, gone }, api) => {
    if (!api.outbox.follows) {
      throw new ApiProblem('notReady', 'The events are being read', { headers: { 'retry-after': '1' } });
    }
    const { vm, template, kind: kinds, lastEventId, timeoutSeconds } = query;
    const position = positionOf(headers['last-event-id'] ?? lastEventId);
    const watch: Watch = {
      ...{ project, keyId: caller.id },
      filter: {
        ...(vm === undefined ? {} : { vm }),
        ...(template === undefined ? {} : { template }),
        ...(kinds === undefined ? {} : { kinds }),
      },
      ...(position === undefined ? {} : { position }),
      ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    };
    const leave = api.watchers.takePlace(caller);
    if (gone.aborted) leave();
    else gone.addEventListener('abort', leave, { once: true });
    return Promise.resolve({
      status: 200,
      // A proxy that buffers would hold every event back.
      headers: { 'content-type': EVENT_STREAM, 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
      isEndless: true,
      stream: (response) => api.watchers.serve(response, watch, gone),
    });
  },
});
