/** Users of VMs whose machines are in memory: what their agents report, and answer when they are asked. */
import type { Client } from '@temporalio/client';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import { reportSignal } from '../../workflows/messages.ts';
import type { FakeMachines } from './fake-machines.ts';

interface UsedVm {
  name: string;
  project: string;
  machineId?: string | undefined;
}

/** So many use the VM now, and its agent says so. */
export async function setUsers(
  { client, park }: { client: Client; park: FakeMachines },
  { name, project, machineId }: UsedVm,
  connections: number,
): Promise<void> {
  const machine = park.machines.get(machineId ?? '');
  if (machine === undefined || machineId === undefined) throw new Error(`${name} has no machine`);
  machine.connections = connections;
  // As the answers of these machines, so that none is older than one before.
  const sentAt = Date.now();
  const handle = client.workflow.getHandle(vmWorkflowId(project, name));
  await handle.signal(reportSignal, { machineId, sequence: sentAt, connections, sentAt });
}

/** Somebody came, and has left. */
export async function comeAndGo(scene: Parameters<typeof setUsers>[0], vm: UsedVm): Promise<void> {
  await setUsers(scene, vm, 1);
  await new Promise((resolve) => setTimeout(resolve, 2));
  await setUsers(scene, vm, 0);
}
