import type { CreateMachineInput } from '../domain/activities.ts';
import type { CallProgress, MachineFacts } from '../domain/machine-provider.ts';
import { vmWorkflowId } from '../domain/wire-names.ts';
import type { MachineActivityDependencies } from './dependencies.ts';

/** Makes or adopts the machine, and opens its link so that a ready agent is heard at once. */
export async function createMachine(
  { provider, links, issueBootstrap }: MachineActivityDependencies,
  { machineId, spec, project, vm }: CreateMachineInput,
  signal: AbortSignal,
  progress: CallProgress,
): Promise<MachineFacts> {
  const workflowId = vmWorkflowId(project, vm);
  const agentBootstrap = issueBootstrap === null ? null : issueBootstrap({ workflowId, machineId });
  const machine = await provider.create({ machineId, spec, project, vm, agentBootstrap }, signal, progress);
  const { silenceTimeoutSeconds } = spec.idle;
  links.open({ machineId, workflowId, agent: machine.agent, silenceTimeoutSeconds });
  return {
    machineId,
    provider: machine.provider,
    host: machine.host,
    zone: machine.zone,
    address: machine.address,
  };
}
