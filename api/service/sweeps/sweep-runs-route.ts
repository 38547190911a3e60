import { keyedRoute } from '../../http/route.ts';
import { seenBy } from './sweep-route.ts';
import { DEFAULT_SWEEP_RUNS, sweepRunListSchema, sweepRunsQuerySchema } from './sweep-schemas.ts';

export const listSweepRunsRoute = keyedRoute({
  method: 'get',
  path: '/v1/sweep/findings',
  operationId: 'listSweepRuns',
  tag: 'Service',
  summary: 'What the last sweeps found and did',
  description:
    'From Temporal, for as long as its namespace retains what has closed. Of machines and VMs those of the project are shown, and ' +
    'machines without any project; `owned` counts all.',
  access: 'admin',
  query: sweepRunsQuerySchema,
  replies: { 200: { description: 'The sweeps.', schema: sweepRunListSchema } },
  errors: ['temporalUnavailable'],
  handle: async ({ project, query }, api) => {
    const runs = await api.sweepRuns.last(query.limit ?? DEFAULT_SWEEP_RUNS);
    const shown = runs.map((run) => ({ ...run, reports: run.reports.map((report) => seenBy(project, report)) }));
    return { status: 200, body: { runs: shown } };
  },
});
