import { WorkflowNotFoundError, type Client, type WorkflowExecutionInfo } from '@temporalio/client';
import type { LiveVm, VmLedger } from '../activities/sweep-machines.ts';
import type { Ownership } from '../domain/sweep.ts';
import type { VmMemo } from '../domain/vm-view.ts';
import { MEMO, SEARCH_ATTRIBUTE, WORKFLOW_TYPE } from '../domain/wire-names.ts';
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
        const view = memoView(execution);
        if (view) live.push({ workflowId: execution.workflowId, machineId: view.machineId, state: view.state });
      }
      return live;
    },
    current: async (workflowId) => {
      try {
        const found = await client.workflow.getHandle(workflowId).describe();
        const view = memoView(found);
        if (found.status.name !== 'RUNNING' || view === undefined) return undefined;
        return { workflowId, machineId: view.machineId, state: view.state };
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }
    },
    ownership: async (machineId, hintWorkflowId) =>
      (await hinted(client, machineId, hintWorkflowId)) ?? (await searched(client, machineId)),
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

/** Strongly consistent, so it is asked first: the hint's latest run, if it has or had this very machine. */
async function hinted(client: Client, machineId: string, workflowId: string): Promise<Ownership | undefined> {
  try {
    const found = await client.workflow.getHandle(workflowId).describe();
    if (memoView(found)?.machineId !== machineId) return undefined;
    return found.status.name === 'RUNNING' ? 'running' : 'closed';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

async function searched(client: Client, machineId: string): Promise<Ownership> {
  if (!/^[a-z0-9-]+$/.test(machineId)) return 'unknown';
  let ownership: Ownership = 'unknown';
  for await (const found of client.workflow.list({ query: `${SEARCH_ATTRIBUTE.machine.name} = '${machineId}'` })) {
    if (found.status.name === 'RUNNING') return 'running';
    ownership = 'closed';
  }
  return ownership;
}

function memoView({ memo }: Pick<WorkflowExecutionInfo, 'memo'>): VmMemo['view'] | undefined {
  return (memo?.[MEMO.vm] as VmMemo | undefined)?.view;
}
