import { WorkflowNotFoundError, type Client, type WorkflowExecutionInfo } from '@temporalio/client';
import type { LiveVm, VmLedger } from '../activities/sweep-machines.ts';
import type { Ownership } from '../domain/sweep.ts';
import { SEARCH_ATTRIBUTE, WORKFLOW_TYPE } from '../domain/wire-names.ts';
import { publishedVm } from './published-vm.ts';
import type { VmSignals } from './vm-signals.ts';

export interface TemporalVmLedgerOptions {
  client: Client;
  signals: VmSignals;
  provider: string;
  /** Only VMs on this host; null for a provider whose machines are not tied to one. */
  host: string | null;
  /** Workflows of another queue belong to another deployment. */
  controlTaskQueue: string;
}

/** Owners as Temporal knows them. Errors of the client pass: without an answer nothing is swept. */
export function temporalVmLedger(options: TemporalVmLedgerOptions): VmLedger {
  const { client, signals } = options;
  return {
    liveVms: async () => {
      const live: LiveVm[] = [];
      for await (const execution of client.workflow.list({ query: liveQuery(options) })) {
        const vm = publishedVm(execution.memo);
        if (vm) live.push({ workflowId: execution.workflowId, ...vm });
      }
      return live;
    },
    current: async (workflowId) => {
      try {
        const found = await client.workflow.getHandle(workflowId).describe();
        const vm = publishedVm(found.memo);
        return ownershipOf(found) === 'running' && vm ? { workflowId, ...vm } : undefined;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }
    },
    ownership: (machineId, hintWorkflowId) => ownership(client, machineId, hintWorkflowId),
    tellLost: async (workflowId, machineId, cause) => {
      await signals.machineLost(workflowId, { machineId, ...(cause === undefined ? {} : { cause }) });
    },
  };
}

function liveQuery({ provider, host, controlTaskQueue }: TemporalVmLedgerOptions): string {
  const conditions = [
    `WorkflowType = '${WORKFLOW_TYPE.vm}'`,
    "ExecutionStatus = 'Running'",
    `TaskQueue = '${controlTaskQueue}'`,
    `${SEARCH_ATTRIBUTE.provider.name} = '${provider}'`,
    ...(host === null ? [] : [`${SEARCH_ATTRIBUTE.host.name} = '${host}'`]),
  ];
  return conditions.join(' AND ');
}

/** Where the hint leads: its latest run has or had this very machine, or it runs and does not say which it has. */
type Hint = Ownership | 'runsWithoutAWord' | 'leadsNowhere';

/** Strongly consistent, so the hint is asked first; visibility is a moment late, and knows a machine by its id. */
async function ownership(client: Client, machineId: string, hintWorkflowId: string): Promise<Ownership> {
  const hint = await hinted(client, machineId, hintWorkflowId);
  if (hint !== 'leadsNowhere' && hint !== 'runsWithoutAWord') return hint;
  const found = await searched(client, machineId);
  // As long as the hint's run may be the machine's, no earlier one that has closed proves anything.
  return hint === 'runsWithoutAWord' && found === 'closed' ? 'unknown' : found;
}

async function hinted(client: Client, machineId: string, workflowId: string): Promise<Hint> {
  try {
    const found = await client.workflow.getHandle(workflowId).describe();
    const state = ownershipOf(found);
    const its = publishedVm(found.memo)?.machineId;
    if (its === machineId) return state;
    // The memo of the very start names no machine, and one run of before may have gone on with just that.
    return state !== 'closed' && !its ? 'runsWithoutAWord' : 'leadsNowhere';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'leadsNowhere';
    throw error;
  }
}

async function searched(client: Client, machineId: string): Promise<Ownership> {
  if (!/^[a-z0-9-]+$/.test(machineId)) return 'unknown';
  let ownership: Ownership = 'unknown';
  for await (const found of client.workflow.list({ query: `${SEARCH_ATTRIBUTE.machine.name} = '${machineId}'` })) {
    // A run that was continued as new is over, its VM is not, and the run that goes on may not be listed yet.
    if (found.status.name === 'CONTINUED_AS_NEW') continue;
    const state = ownershipOf(found);
    if (state === 'running') return 'running';
    if (state === 'closed') ownership = 'closed';
  }
  return ownership;
}

function ownershipOf({ status }: Pick<WorkflowExecutionInfo, 'status'>): Ownership {
  switch (status.name) {
    case 'RUNNING':
    case 'PAUSED':
    case 'CONTINUED_AS_NEW':
      return 'running';
    case 'COMPLETED':
    case 'FAILED':
    case 'CANCELLED':
    case 'TERMINATED':
    case 'TIMED_OUT':
      return 'closed';
    case 'UNSPECIFIED':
    case 'UNKNOWN':
      return 'unknown';
  }
}
