/** What the workflows of hosts ask of control workers. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RegistryActivities, ReleaseInput } from '../../domain/host/activities.ts';
import type { VmStateName } from '../../domain/vm/state.ts';
import { parseWarmWorkflowId } from '../../domain/wire-names.ts';
import { inParallel } from '../../lib/waiting/in-parallel.ts';
import type { Activity } from '../activity-context.ts';
import { runAsActivity } from '../run-activity.ts';

/** A VM whose workflow runs and has a machine on a host. */
export interface HostedVm {
  workflowId: string;
  /** The life of the name that is meant. */
  uid?: string;
  machineId: string;
  state: VmStateName;
}

/** What the registry asks of Temporal, the only one who knows the VMs. */
export interface HostLedger {
  /** Running VMs of this deployment whose machine is on the host, page after page. */
  vmsOn(hostId: string): AsyncIterable<HostedVm>;
  /**
   * Says that the host of this machine is lost, since `lostAt` (epoch ms, Temporal's clock) where that is known; a VM that has
   * another machine, was started again since, or has ended, ignores it.
   */
  notifyLost(workflowId: string, machineId: string, lostAt?: number): Promise<void>;
  drain(workflowId: string, uid: string | undefined): Promise<void>;
  /** Hosts of this deployment that have the provider, also those that are away or lost. */
  hostsOf(provider: string): Promise<string[]>;
  /** Machines that the host counted with its last heartbeat; undefined while it holds no lease. */
  machinesOf(hostId: string): Promise<number | undefined>;
}

export interface RegistryDependencies {
  ledger: HostLedger;
  /** Between two looks at a host that drains, in ms. */
  drainLookMs?: number;
}

/** Signals to Temporal at once. */
const CONCURRENCY = 20;
const DRAIN_LOOK_MS = 5000;
/** So often in a row a host that drains is seen without VMs and machines before it counts as empty. */
const EMPTY_LOOKS = 2;

export function createRegistryActivities(dependencies: RegistryDependencies): RegistryActivities {
  return {
    releaseMachines: runAsActivity((input: ReleaseInput, context) => releaseMachines(dependencies, input, context)),
    drainHost: runAsActivity((input: { hostId: string }, context) => drainHost(dependencies, input, context)),
    evictWarmMachines: runAsActivity((input: { hostId: string }, context) => evictWarm(dependencies, input, context)),
    listHosts: runAsActivity(({ provider }: { provider: string }) => dependencies.ledger.hostsOf(provider)),
  };
}

/**
 * Repeated from the start by a retry: a VM that knows already ignores it. The machines are fixed before the attempt is
 * confirmed: one that was given up, and listed after the host's return, would call its new machines lost.
 */
export const releaseMachines: Activity<RegistryDependencies, ReleaseInput, void> = async (
  { ledger },
  { hostId, lostAt },
  { signal, confirm },
) => {
  const vms = await listed(ledger, hostId, signal);
  await confirm();
  await forEachVm(vms, signal, ({ workflowId, machineId }) => ledger.notifyLost(workflowId, machineId, lostAt));
};

export const drainHost: Activity<RegistryDependencies, { hostId: string }, void> = async (
  { ledger, drainLookMs = DRAIN_LOOK_MS },
  { hostId },
  { signal },
) => {
  await untilEmpty(drainLookMs, signal, async () => {
    const vms = await listed(ledger, hostId, signal);
    await forEachVm(vms, signal, async ({ workflowId, uid, state }) => {
      if (state === 'booting' || state === 'running') await ledger.drain(workflowId, uid);
    });
    // A create that was under way when the drain began is in no list yet, and in no heartbeat of before either.
    return vms.length === 0 && ((await ledger.machinesOf(hostId)) ?? 0) === 0;
  });
};

/** One that a create under way brings is told too, where it gets ready while others go. */
export const evictWarm: Activity<RegistryDependencies, { hostId: string }, void> = async (
  { ledger, drainLookMs = DRAIN_LOOK_MS },
  { hostId },
  { signal },
) => {
  await untilEmpty(drainLookMs, signal, async () => {
    const vms = await listed(ledger, hostId, signal);
    const warm = vms.filter(({ workflowId }) => parseWarmWorkflowId(workflowId) !== undefined);
    await forEachVm(warm, signal, async ({ workflowId, uid, state }) => {
      if (state === 'booting') await ledger.drain(workflowId, uid);
    });
    return warm.length === 0;
  });
};

/** Resolves once `isEmpty` was true in several looks in a row. */
async function untilEmpty(lookMs: number, signal: AbortSignal, isEmpty: () => Promise<boolean>): Promise<void> {
  for (let emptyLooks = 0; ;) {
    emptyLooks = (await isEmpty()) ? emptyLooks + 1 : 0;
    if (emptyLooks === EMPTY_LOOKS) return;
    await sleep(lookMs, undefined, { signal });
  }
}

async function listed(ledger: HostLedger, hostId: string, signal: AbortSignal): Promise<HostedVm[]> {
  const vms: HostedVm[] = [];
  for await (const vm of ledger.vmsOn(hostId)) {
    signal.throwIfAborted();
    vms.push(vm);
  }
  return vms;
}

async function forEachVm(
  vms: readonly HostedVm[],
  signal: AbortSignal,
  work: (vm: HostedVm) => Promise<void>,
): Promise<void> {
  await inParallel(vms, CONCURRENCY, async (vm) => {
    signal.throwIfAborted();
    await work(vm);
  });
}
