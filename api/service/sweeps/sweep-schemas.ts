import { z } from 'zod';
import type { LostMachine, SweepVerdict, SweptMachine } from '../../../domain/machine/sweep.ts';
import { choice } from '../../../spec/choice.ts';

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
export const providerSweepSchema = z.object({
  at: z.iso.datetime().describe('When it was looked.'),
  dryRun: z.boolean().describe('Nothing was changed.'),
  owned: z.int().describe('Machines whose VM lives, of all projects.'),
  machines: z.array(sweptMachineSchema).describe('Machines that were found and are not owned.'),
  lost: z.array(lostMachineSchema).describe('VMs whose machine is gone.'),
});
export const sweepSchema = z.object({ sweeps: z.array(providerSweepSchema).describe('One for each provider.') }).meta({
  id: 'Sweep',
  description: 'One report for each provider, or for each host where machines are known to their host alone.',
});

/** Runs that one answer can have. */
export const MAX_SWEEP_RUNS = 200;
export const DEFAULT_SWEEP_RUNS = 60;

export const sweepRunsQuerySchema = z.strictObject({
  limit: z
    .int()
    .min(1)
    .max(MAX_SWEEP_RUNS)
    .optional()
    .describe(
      `Runs at most. Default: ${DEFAULT_SWEEP_RUNS}, an hour of them unless the deployment sweeps at other times.`,
    ),
});

export const SWEEP_RUN_STATES = ['running', 'completed', 'failed', 'timedOut', 'terminated', 'cancelled'] as const;
export type SweepRunState = (typeof SWEEP_RUN_STATES)[number];

export const sweepRunSchema = z.object({
  startedAt: z.iso.datetime().describe('When it began.'),
  endedAt: z.iso.datetime().optional().describe('When it ended; absent while it runs.'),
  state: z.enum(SWEEP_RUN_STATES).describe(
    choice<SweepRunState>('What became of it.', {
      running: 'it goes on',
      completed: 'it is through',
      failed: 'it could not be done; the next one does its work',
      timedOut: 'nobody did it in time',
      terminated: 'somebody has ended it',
      cancelled: 'somebody has asked it to end',
    }),
  ),
  workflowId: z.string().describe('Its workflow.'),
  runId: z.string().describe('The run of that.'),
  reports: z
    .array(providerSweepSchema)
    .describe('What it found and did: one for each provider, or for each host; none of hosts that were away.'),
});
export type ApiSweepRun = z.output<typeof sweepRunSchema>;

export const sweepRunListSchema = z
  .object({ runs: z.array(sweepRunSchema).describe('The newest first.') })
  .meta({ id: 'SweepRunList', description: 'The last sweeps, and what each did.' });
