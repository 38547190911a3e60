import { ENDED_KEPT, ENDED_KEPT_SECONDS } from '../../domain/request/state.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { keyedRoute } from '../http/route.ts';
import { requestPathSchema, requestSchema } from '../schemas/request.ts';
import { apiRequest, nameOfRequest, requestPath } from './request-view.ts';

const TAG = 'Requests';

export const getRequestRoute = keyedRoute({
  method: 'get',
  path: '/v1/requests/{id}',
  operationId: 'getRequest',
  tag: TAG,
  summary: 'Look at a request that is done later',
  description:
    'How far a request is that was accepted with `Prefer: respond-async`, and what came of it. It is known from when it was ' +
    `accepted until ${ENDED_KEPT_SECONDS / 3600} hours after its end; of each name the last ${ENDED_KEPT} that have ended.`,
  access: 'viewer',
  params: requestPathSchema,
  replies: { 200: { description: 'The request as it is now.', schema: requestSchema } },
  errors: ['unknownRequest', 'temporalUnavailable'],
  handle: async ({ project, params: { id } }, api) => {
    const view = await api.requests.request(project, nameOfRequest(id), id);
    if (view === undefined) throw unknownRequest(id);
    return { status: 200, body: apiRequest(project, view) };
  },
});

export const cancelRequestRoute = keyedRoute({
  method: 'delete',
  path: '/v1/requests/{id}',
  operationId: 'cancelRequest',
  tag: TAG,
  summary: 'Take back a request that waits',
  description:
    'One that was not begun is never done. One that was put off (`waitsFor`) is not tried again; what a try has asked for ' +
    'before may be done all the same. One that is being done is left alone: 409 `requestRunning`. One that has ended stays as ' +
    'it is.',
  access: 'operator',
  params: requestPathSchema,
  replies: {
    200: { description: 'It has ended: cancelled now, or before in another way.', schema: requestSchema },
    202: {
      description: 'Kept by Temporal, and no worker has answered yet: the request as last seen.',
      schema: requestSchema,
      headers: { Location: 'Path of the request.' },
    },
  },
  errors: ['unknownRequest', 'requestRunning', 'temporalUnavailable'],
  handle: async ({ project, params: { id } }, api) => {
    const before = await api.requests.request(project, nameOfRequest(id), id);
    const left = before && (await api.requests.cancel(project, nameOfRequest(id), id));
    if (left === undefined) throw unknownRequest(id);
    const body = apiRequest(project, left.view);
    if (!left.isSure) return { status: 202, body, headers: { location: requestPath(id) } };
    if (body.state === 'running') throw new ApiProblem('requestRunning', `${id} is being done`);
    return { status: 200, body };
  },
});

function unknownRequest(id: string): ApiProblem {
  return new ApiProblem('unknownRequest', `There is no request ${id} in the project of this key`);
}
