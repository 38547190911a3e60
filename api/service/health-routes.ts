import { z } from 'zod';
import { ApiProblem } from '../http/errors/problem.ts';
import { openRoute } from '../http/route.ts';

const healthSchema = z.object({ status: z.literal('ok').describe('Always `ok`.') }).meta({ id: 'Health' });
const readinessSchema = z
  .object({
    status: z.literal('ready').describe('Always `ready`.'),
    listAgeSeconds: z.int().meta({ description: 'Since the list of VMs was last read from Temporal.' }),
  })
  .meta({ id: 'ApiReadiness' });

export const healthRoute = openRoute({
  method: 'get',
  path: '/healthz',
  operationId: 'getHealth',
  tag: 'Service',
  summary: 'The process answers',
  access: 'public',
  replies: { 200: { description: 'It does.', schema: healthSchema } },
  errors: [],
  handle: () => Promise.resolve({ status: 200, body: { status: 'ok' } }),
});

export const readyRoute = openRoute({
  method: 'get',
  path: '/readyz',
  operationId: 'getReadiness',
  tag: 'Service',
  summary: 'The list of VMs was read and requests can be served',
  access: 'public',
  replies: { 200: { description: 'Ready.', schema: readinessSchema } },
  errors: ['notReady'],
  handle: (_request, api) => {
    if (!api.feed.loaded) {
      throw new ApiProblem('notReady', 'The list of VMs is being read', { headers: { 'retry-after': '1' } });
    }
    const listAgeSeconds = Math.round(api.feed.ageMs / 1000);
    return Promise.resolve({ status: 200, body: { status: 'ready', listAgeSeconds } });
  },
});
