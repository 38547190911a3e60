import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { HostedVm, HostLedger } from '../../activities/control/registry-activities.ts';
import { registeredHosts } from '../../config/registered-hosts.ts';
import { runningWorkflows } from '../../config/temporal/running-workflows.ts';
import { runningLease } from '../../config/temporal/temporal-lease.ts';
import { hostWorkflowId, OWNER_TYPES, SEARCH_ATTRIBUTE } from '../../domain/wire-names.ts';
import { drainSignal, machineLostSignal } from '../../workflows/messages.ts';
import { publishedVm } from './published-vm.ts';

/** Hosts and their VMs as Temporal knows them. Errors of the client pass. `pageSize`: VMs of one answer. */
export function temporalHostLedger(client: Client, controlTaskQueue: string, pageSize = 1000): HostLedger {
  return {
    vmsOn: (hostId) => vmsOn(client, hostId, { controlTaskQueue, pageSize }),
    notifyLost: (workflowId, machineId, lostAt) => {
      const loss = { machineId, cause: 'hostLost', ...(lostAt === undefined ? {} : { lostAt }) } as const;
      return unlessGone(client.workflow.getHandle(workflowId).signal(machineLostSignal, loss));
    },
    drain: (workflowId, uid) =>
      unlessGone(client.workflow.getHandle(workflowId).signal(drainSignal, uid === undefined ? {} : { uid })),
    machinesOf: async (hostId) => {
      const { raw } = await client.workflow.getHandle(hostWorkflowId(hostId, controlTaskQueue)).describe();
      return runningLease(raw)?.machines;
    },
    hostsOf: async (provider) => {
      const hosts = await registeredHosts(client, controlTaskQueue);
      return hosts.filter(({ providers }) => providers.includes(provider)).map(({ hostId }) => hostId);
    },
  };
}

async function* vmsOn(
  client: Client,
  hostId: string,
  { controlTaskQueue, pageSize }: { controlTaskQueue: string; pageSize: number },
): AsyncIterable<HostedVm> {
  const onHost = `${SEARCH_ATTRIBUTE.host.name} = '${hostId}'`;
  const query = runningWorkflows(OWNER_TYPES, controlTaskQueue, onHost);
  for await (const { workflowId, memo } of client.workflow.list({ query, pageSize })) {
    const vm = publishedVm(memo);
    if (vm !== undefined) yield { workflowId, ...vm };
  }
}

async function unlessGone(signalled: Promise<void>): Promise<void> {
  await signalled.catch((error: unknown) => {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  });
}
