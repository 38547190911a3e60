import { HISTORY_HOURS } from '../../domain/pool/history.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { keyedRoute } from '../http/route.ts';
import { poolHistorySchema, poolListSchema, poolPathSchema } from '../schemas/pool.ts';
import { readPoolHistory } from './pool-history.ts';

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

export const poolHistoryRoute = keyedRoute({
  method: 'get',
  path: '/v1/pools/{template}/history',
  operationId: 'getPoolHistory',
  tag: 'Pools',
  summary: 'How the warm machines of a template went',
  description:
    `Of the last ${HISTORY_HOURS} hours. The workflow of the pool keeps it, so a restart loses none of it and every replica tells the same; ` +
    '`claimed`, `missed` and `failed` count since the pool began.',
  access: 'viewer',
  params: poolPathSchema,
  replies: { 200: { description: 'Its numbers, and since when.', schema: poolHistorySchema } },
  errors: ['poolNotFound', 'poolSilent', 'temporalUnavailable'],
  handle: async ({ project, params: { template } }, api) => {
    const history = await readPoolHistory(api, project, template);
    if (history === undefined) throw new ApiProblem('poolNotFound', `${template} has no pool`);
    return { status: 200, body: history };
  },
});
