import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { SweepInput, SweepReport } from '../../domain/sweep.ts';
import { parseVmWorkflowId, sweepId, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/problem.ts';
import { isTemporalUnavailable } from '../http/temporal-errors.ts';
import { keyedRoute } from '../http/route.ts';

const SWEEP_SECONDS = 20;

const sweptMachineSchema = z.object({
  machineId: z.string(),
  provider: z.string(),
  project: z.string(),
  vm: z.string(),
  verdict: z.enum(['owned', 'young', 'orphan', 'unattributed', 'unknown']),
  action: z.enum(['none', 'destroyed', 'destroyFailed', 'deferred']),
});
const lostMachineSchema = z.object({
  workflowId: z.string(),
  machineId: z.string(),
  action: z.enum(['none', 'told']),
});
const sweepSchema = z
  .object({
    sweeps: z.array(
      z.object({
        at: z.iso.datetime(),
        dryRun: z.boolean(),
        owned: z.int(),
        machines: z.array(sweptMachineSchema),
        lost: z.array(lostMachineSchema),
      }),
    ),
  })
  .meta({ id: 'Sweep', description: 'One report for each provider.' });

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
  const input: SweepInput = { dryRun: true, providers: settings.providers };
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

/** What concerns a project, and what bears nobody's name. */
function seenBy(project: string, sweep: SweepReport): SweepReport {
  return {
    ...sweep,
    machines: sweep.machines.filter((machine) => machine.project === project || machine.project === ''),
    lost: sweep.lost.filter(({ workflowId }) => parseVmWorkflowId(workflowId)?.project === project),
  };
}
