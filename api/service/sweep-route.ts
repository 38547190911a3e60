import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { LostMachine, SweepInput, SweepReport, SweepVerdict, SweptMachine } from '../../domain/machine/sweep.ts';
import { providersOnHosts } from '../../providers/lookup.ts';
import { parseVmWorkflowId, sweepId, WORKFLOW_TYPE } from '../../domain/wire-names.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { isTemporalUnavailable } from '../http/errors/temporal-errors.ts';
import { keyedRoute } from '../http/route.ts';
import { choice } from '../../spec/choice.ts';

const SWEEP_SECONDS = 20;

const sweptMachineSchema = z.object({
  machineId: z.string().describe('The machine.'),
  provider: z.string().describe('Who made it.'),
  owner: z.string().optional().describe('Workflow id of its owner; hosts of an earlier version do not say it.'),
  project: z.string().describe('Project of the VM that it was made for; empty where its owner is no VM.'),
  vm: z.string().describe('What people call its owner: the name of a VM.'),
  verdict: z.enum(['owned', 'young', 'orphan', 'unattributed', 'unknown']).describe(
    choice<SweepVerdict>('Whose it is.', {
      owned: 'its owner runs',
      young: 'too new to tell',
      orphan: 'its owner has ended or has another machine: a sweep removes it',
      unknown: 'its owner could not be asked for this time; it is left alone',
      unattributed: 'no trace of its owner was found: it is never touched',
    }),
  ),
  action: z.enum(['none', 'destroyed', 'destroyFailed', 'deferred']).describe(
    choice<SweptMachine['action']>('What was done about it.', {
      none: 'nothing, as always in a dry run',
      destroyed: 'it was removed',
      deferred: 'the sweep had no time left for it; the next one goes on',
      destroyFailed: 'it could not be removed; the next sweep tries again',
    }),
  ),
});
const lostMachineSchema = z.object({
  workflowId: z.string().describe('Workflow of the VM whose machine is gone.'),
  machineId: z.string().describe('The machine that is gone.'),
  action: z.enum(['none', 'notified']).describe(
    choice<LostMachine['action']>('What was done about it.', {
      none: 'nothing, as always in a dry run',
      notified: 'the VM was notified',
    }),
  ),
});
const providerSweepSchema = z.object({
  at: z.iso.datetime().describe('When it was looked.'),
  dryRun: z.boolean().describe('Nothing was changed.'),
  owned: z.int().describe('Machines whose VM lives, of all projects.'),
  machines: z.array(sweptMachineSchema).describe('Machines that were found and are not owned.'),
  lost: z.array(lostMachineSchema).describe('VMs whose machine is gone.'),
});
const sweepSchema = z.object({ sweeps: z.array(providerSweepSchema).describe('One for each provider.') }).meta({
  id: 'Sweep',
  description: 'One report for each provider, or for each host where machines are known to their host alone.',
});

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

/** What concerns a project, and machines without an owner. */
function seenBy(project: string, sweep: SweepReport): SweepReport {
  return {
    ...sweep,
    machines: sweep.machines.filter((machine) => machine.project === project || machine.project === ''),
    lost: sweep.lost.filter(({ workflowId }) => parseVmWorkflowId(workflowId)?.project === project),
  };
}
