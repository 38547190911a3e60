import { keyedRoute } from '../http/route.ts';
import { poolListSchema } from '../schemas/pool.ts';

export const listPoolsRoute = keyedRoute({
  method: 'get',
  path: '/v1/pools',
  operationId: 'listPools',
  tag: 'Pools',
  summary: 'The warm machines of each template',
  description:
    'A create from a template with a pool gets a machine that waits, where it fits: its VM is ready in a moment, and says ' +
    '`startedFrom: warm`. Where none waits the VM is made anew.',
  access: 'viewer',
  replies: { 200: { description: 'All of them, at most a second old.', schema: poolListSchema } },
  errors: ['temporalUnavailable'],
  handle: async ({ project }, api) => ({ status: 200, body: { pools: await api.pools.list(project) } }),
});
