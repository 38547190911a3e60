import { randomUUID } from 'node:crypto';
import type { SweepInput, SweepReport } from '../../../domain/machine/sweep.ts';
import { providersOnHosts } from '../../../providers/lookup.ts';
import { parseVmWorkflowId, sweepId, WORKFLOW_TYPE } from '../../../domain/wire-names.ts';
import type { ApiContext } from '../../api-context.ts';
import { ApiProblem } from '../../http/errors/problem.ts';
import { isTemporalUnavailable } from '../../http/errors/temporal-errors.ts';
import { keyedRoute } from '../../http/route.ts';
import { sweepSchema } from './sweep-schemas.ts';

const SWEEP_SECONDS = 20;

export const sweepRoute = keyedRoute({
  method: 'get',
  path: '/v1/sweep',
  operationId: 'drySweep',
  tag: 'Service',
  summary: 'What a sweep would do now',
  description:
    'Looks for machines that nobody owns and VMs whose machine is gone, and changes nothing. `orphan` machines go ' +
    'with the next sweep; `unattributed` ones are never touched: no trace of an owner was found; `unknown` ones could not be asked about this time. Of machines and VMs those of ' +
    'the project are shown, and machines without any project; `owned` counts all. One look answers everybody who asks a replica within 5 seconds; `at` says when it was.',
  access: 'admin',
  replies: { 200: { description: 'The findings.', schema: sweepSchema } },
  errors: ['sweepUnavailable', 'temporalUnavailable'],
  handle: async ({ project }, api) => {
    const reports = await api.dryRuns.reports(() => dryRun(api));
    return { status: 200, body: { sweeps: reports.map((report) => seenBy(project, report)) } };
  },
});

async function dryRun({ client, settings }: Pick<ApiContext, 'client' | 'settings'>): Promise<SweepReport[]> {
  const { providers } = settings;
  const input: SweepInput = { dryRun: true, providers, onHosts: providersOnHosts(providers) };
  const options = {
    workflowId: `${sweepId(settings.deployment)}/dry-run/${randomUUID()}`,
    taskQueue: settings.temporal.controlTaskQueue,
    workflowExecutionTimeout: SWEEP_SECONDS * 1000,
    args: [input],
  };
  const deadline = Date.now() + SWEEP_SECONDS * 1000;
  const handle = await client.withDeadline(deadline, () => client.workflow.start(WORKFLOW_TYPE.sweep, options));
  try {
    return (await client.withDeadline(deadline, () => handle.result())) as SweepReport[];
  } catch (error) {
    const why = isTemporalUnavailable(error) ? `no worker answered within ${SWEEP_SECONDS} s` : 'the sweep failed';
    throw new ApiProblem('sweepUnavailable', why, { headers: { 'retry-after': '5' }, cause: error });
  }
}

interface Findings {
  machines: { project: string }[];
  lost: { workflowId: string }[];
}

/** What concerns a project, and machines without an owner. */
export function seenBy<Report extends Findings>(project: string, sweep: Report): Report {
  return {
    ...sweep,
    machines: sweep.machines.filter((machine) => machine.project === project || machine.project === ''),
    lost: sweep.lost.filter(({ workflowId }) => parseVmWorkflowId(workflowId)?.project === project),
  };
}
