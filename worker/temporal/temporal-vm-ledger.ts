import { status } from '@grpc/grpc-js';
import { isGrpcServiceError, WorkflowNotFoundError, type Client, type WorkflowExecutionInfo } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { runningWorkflows } from '../../config/temporal/running-workflows.ts';
import type { LiveVm, VmLedger } from '../../activities/machine/sweep/sweep-machines.ts';
import { namesOtherLife, ownershipOf, type OwnerRun } from '../../domain/machine/sweep.ts';
import { OWNER_TYPES, SEARCH_ATTRIBUTE } from '../../domain/wire-names.ts';
import { publishedVm } from './published-vm.ts';
import type { VmSignals } from '../links/vm-signals.ts';

const MACHINE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.machine.name, SearchAttributeType.KEYWORD);

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
        return stateOf(found) === 'running' && vm ? { workflowId, ...vm } : undefined;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }
    },
    ownership: async ({ machineId, createdAt, labels: { owner, uid } }) => {
      const machine = { machineId, createdAt, uid };
      const run = await lastRunOf(client, owner);
      if (uid === undefined || !namesOtherLife(machine, run)) return ownershipOf(machine, run);
      return ownershipOf(machine, { ...run, hadMachinesLife: await isKnown(client, owner, uid) });
    },
    notifyLost: async (workflowId, machineId, cause) => {
      await signals.machineLost(workflowId, { machineId, ...(cause === undefined ? {} : { cause }) });
    },
  };
}

function liveQuery({ provider, host, controlTaskQueue }: TemporalVmLedgerOptions): string {
  return runningWorkflows(
    OWNER_TYPES,
    controlTaskQueue,
    `${SEARCH_ATTRIBUTE.provider.name} = '${provider}'`,
    ...(host === null ? [] : [`${SEARCH_ATTRIBUTE.host.name} = '${host}'`]),
  );
}

/** By the owner's id alone, whatever its type: a describe is strongly consistent. */
async function lastRunOf(client: Client, owner: string): Promise<OwnerRun> {
  try {
    const found = await client.workflow.getHandle(owner).describe();
    const closedAt = found.closeTime?.getTime();
    const uid = found.raw.workflowExecutionInfo?.firstRunId || undefined;
    return { state: stateOf(found), machineId: found.typedSearchAttributes.get(MACHINE), closedAt, uid };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { state: 'unknown', machineId: undefined, closedAt: undefined };
    throw error;
  }
}

/** Whether Temporal has a run of the owner: one that it lost with a restored backup, or forgot, it has not. */
async function isKnown(client: Client, owner: string, runId: string): Promise<boolean> {
  try {
    await client.workflow.getHandle(owner, runId).describe();
    return true;
  } catch (error) {
    // An id that is none of a run is refused as one.
    if (error instanceof WorkflowNotFoundError || isInvalid(error)) return false;
    throw error;
  }
}

function isInvalid(error: unknown): boolean {
  return isGrpcServiceError(error) && error.code === status.INVALID_ARGUMENT;
}

function stateOf(run: Pick<WorkflowExecutionInfo, 'status'>): OwnerRun['state'] {
  switch (run.status.name) {
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
