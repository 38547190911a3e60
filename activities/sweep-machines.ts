import type { Machine, MachineEndCause, MachineProvider } from '../domain/machine-provider.ts';
import {
  SWEEP,
  suspectedLost,
  sweepVerdict,
  type LostMachine,
  type Ownership,
  type SweepActivities,
  type SweepReport,
  type SweptMachine,
} from '../domain/sweep.ts';
import type { VmStateName } from '../domain/vm-state.ts';
import { withLinkedSignal } from './linked-signal.ts';
import { endCauseOf, isAlive } from './machine-end.ts';
import type { MachineLinks } from './machine-links.ts';
import { runAsActivity } from './run-activity.ts';

/** A VM whose workflow runs. */
export interface LiveVm {
  workflowId: string;
  machineId: string;
  state: VmStateName;
}

/** What the sweeper asks of Temporal, the only one who knows the owners. */
export interface VmLedger {
  /** Running VMs of this deployment on this provider and host. */
  liveVms(): Promise<LiveVm[]>;
  /** Whether the workflow that made the machine runs, closed, or left no trace. The label's hint is only a hint. */
  ownership(machineId: string, hintWorkflowId: string): Promise<Ownership>;
  /** The VM as it is this moment, or undefined when its workflow has closed. */
  current(workflowId: string): Promise<LiveVm | undefined>;
  tellLost(workflowId: string, machineId: string, cause: MachineEndCause | undefined): Promise<void>;
}

export interface SweepDependencies {
  provider: MachineProvider;
  links: Pick<MachineLinks, 'close'>;
  ledger: VmLedger;
  workflowIdOf: (labels: Machine['labels']) => string;
  /** Epoch ms. */
  now: () => number;
}

export function createSweepActivities(dependencies: SweepDependencies): SweepActivities {
  return {
    sweepMachines: runAsActivity(({ dryRun }: { dryRun: boolean }, signal) => sweep(dependencies, dryRun, signal)),
  };
}

/** VMs are listed before machines: a machine that is made or destroyed in between is never mistaken. */
async function sweep(dependencies: SweepDependencies, dryRun: boolean, signal: AbortSignal): Promise<SweepReport> {
  const { provider, ledger, now } = dependencies;
  const live = await ledger.liveVms();
  const machines = await provider.list(signal);
  const owners = new Set(live.map(({ machineId }) => machineId));
  const strays = machines.filter(({ machineId }) => !owners.has(machineId));
  const swept: SweptMachine[] = [];
  for (let from = 0; from < strays.length; from += SWEEP.destroysAtOnce) {
    const batch = strays.slice(from, from + SWEEP.destroysAtOnce);
    swept.push(...(await Promise.all(batch.map((machine) => sweepOne(dependencies, machine, dryRun, signal)))));
  }
  const alive = new Set(machines.filter(({ status }) => status !== 'ended').map(({ machineId }) => machineId));
  const lost: LostMachine[] = [];
  for (const vm of suspectedLost(live, alive)) {
    if (isAlive(await provider.describe(vm.machineId, signal))) continue;
    if (!(await stillNeedsMachine(ledger, vm))) continue;
    if (!dryRun) await ledger.tellLost(vm.workflowId, vm.machineId, await endCauseOf(provider, vm.machineId, signal));
    lost.push({ workflowId: vm.workflowId, machineId: vm.machineId, action: dryRun ? 'none' : 'told' });
  }
  const notOwned = swept.filter(({ verdict }) => verdict !== 'owned');
  const owned = machines.length - notOwned.length;
  return { at: new Date(now()).toISOString(), dryRun, owned, machines: notOwned, lost };
}

async function sweepOne(
  { provider, links, ledger, workflowIdOf, now }: SweepDependencies,
  machine: Machine,
  dryRun: boolean,
  signal: AbortSignal,
): Promise<SweptMachine> {
  const { machineId, labels } = machine;
  const verdict = sweepVerdict(machine, await ledger.ownership(machineId, workflowIdOf(labels)), now());
  const found = { machineId, provider: provider.name, project: labels.project, vm: labels.vm, verdict };
  if (dryRun || verdict !== 'orphan') return { ...found, action: 'none' };
  links.close(machineId);
  try {
    await withLinkedSignal(signal, SWEEP.destroySeconds * 1000, (limited) => provider.destroy(machineId, limited));
    return { ...found, action: 'destroyed' };
  } catch (error) {
    if (signal.aborted) throw error;
    return { ...found, action: 'destroyFailed' };
  }
}

/** A VM says that it ends before its machine is destroyed: one that does not say so by now has really lost it. */
async function stillNeedsMachine(ledger: VmLedger, { workflowId, machineId }: LiveVm): Promise<boolean> {
  const vm = await ledger.current(workflowId);
  return vm?.machineId === machineId && suspectedLost([vm], new Set()).length > 0;
}
