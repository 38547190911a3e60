import { parseVmWorkflowId, parseWarmWorkflowId, vmWorkflowId } from '../wire-names.ts';
import type { MachineLabels } from './provider.ts';

/**
 * The owner of a machine is the workflow that had it made, named by its workflow id `<kind>/<scope>/<name>`:
 * `vm/<project>/<name>` for a VM, or `warm/<machineId>` before it is one. Labels, manifests, links, tokens and sweeps name
 * no more of it (docs/decisions/0034-a-machine-names-its-owner.md).
 */
const OWNER = /^[^/]+\/[^/]+\/[^/]+$/;

/** Whether the workflow of this id can own a machine; those of hosts, sweeps and join tokens cannot. */
export function isOwner(workflowId: string): boolean {
  return OWNER.test(workflowId) || parseWarmWorkflowId(workflowId) !== undefined;
}

/** What people call the owner: the project and name of a VM; the id of another workflow, in no project. */
export function ownerNames(owner: string): { project: string; vm: string } {
  const vm = parseVmWorkflowId(owner);
  return vm === undefined ? { project: '', vm: owner.replaceAll('/', '-') } : { project: vm.project, vm: vm.name };
}

/** Labels as they were written down: those of before name the VM alone. */
export function withOwner<Labels extends Written>(labels: Labels): Labels & Pick<MachineLabels, 'owner'> {
  return { ...labels, owner: labels.owner ?? vmWorkflowId(labels.project, labels.vm) };
}

type Written = Pick<MachineLabels, 'project' | 'vm'> & { owner?: string | undefined };

/** The labels of a machine that is made now. */
export function machineLabels(of: Pick<MachineLabels, 'deployment' | 'machineId' | 'owner' | 'uid'>): MachineLabels {
  const { deployment, machineId, owner, uid } = of;
  return { deployment, machineId, owner, ...(uid === undefined ? {} : { uid }), ...ownerNames(owner) };
}
