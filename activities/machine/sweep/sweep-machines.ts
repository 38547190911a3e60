import { log } from '@temporalio/activity';
import type { Machine, MachineEndCause, MachineProvider } from '../../../domain/machine/provider.ts';
import {
  SWEEP,
  SWEEP_LIMITS,
  isOrphaned,
  suspectedLost,
  sweepVerdict,
  type LostMachine,
  type Ownership,
  type SweepActivities,
  type SweepLimits,
  type SweepReport,
  type SweptMachine,
} from '../../../domain/machine/sweep.ts';
import type { VmStateName } from '../../../domain/vm/state.ts';
import { inParallel } from '../../../lib/waiting/in-parallel.ts';
import { withLinkedSignal } from '../../../lib/waiting/linked-signal.ts';
import { endCauseOf, isAlive } from '../machine-end.ts';
import type { MachineLinks } from '../agent/machine-links.ts';
import type { ActivityContext } from '../../activity-context.ts';
import { runAsActivity } from '../../run-activity.ts';
import { SweepTries } from './sweep-tries.ts';

/** A VM whose workflow runs. */
export interface LiveVm {
  workflowId: string;
  machineId: string;
  state: VmStateName;
}

export interface OwnedMachine extends Pick<Machine, 'machineId' | 'createdAt'> {
  labels: Pick<Machine['labels'], 'owner' | 'uid'>;
}

/** What the sweeper asks of Temporal, the only one who knows the owners. */
export interface VmLedger {
  /** Running VMs of this deployment on this provider and host. */
  liveVms(): Promise<LiveVm[]>;
  /** Whether the workflow that the machine names, of whatever type, runs and has it, closed, or left no trace. */
  ownership(machine: OwnedMachine): Promise<Ownership>;
  /** The VM as it is this moment, or undefined when its workflow has closed. */
  current(workflowId: string): Promise<LiveVm | undefined>;
  notifyLost(workflowId: string, machineId: string, cause: MachineEndCause | undefined): Promise<void>;
}

export interface SweepDependencies {
  provider: MachineProvider;
  links: Pick<MachineLinks, 'close'>;
  ledger: VmLedger;
  /** Epoch ms. */
  now: () => number;
  /** Other limits than the usual ones. */
  limits?: SweepLimits;
}

export function createSweepActivities(dependencies: SweepDependencies): SweepActivities {
  const triedAt = new Map<string, number>();
  return {
    sweepMachines: runAsActivity((input, context) => sweepMachines({ ...dependencies, triedAt }, input, context)),
  };
}

interface SweepState extends SweepDependencies {
  /** When earlier sweeps of this process last tried what they could not finish, epoch ms by machine id. */
  triedAt: Map<string, number>;
}

interface SweepParts extends SweepState, Pick<ActivityContext, 'signal' | 'progress'> {
  dryRun: boolean;
  warn: (message: string, about: { machineId: string; error: unknown }) => void;
}

function sweepMachines(
  state: SweepState,
  { dryRun }: { dryRun: boolean },
  { signal, progress }: ActivityContext,
): Promise<SweepReport> {
  return new Sweep({
    ...state,
    dryRun,
    signal,
    progress,
    warn: (message, about) => void log.warn(message, about),
  }).run();
}

/**
 * What a host does about its machines before it takes work: the same as a sweep, outside of any activity. Rejects when the
 * machines or the VMs cannot be listed.
 */
export function reconcileMachines(
  dependencies: SweepDependencies,
  { signal, warn }: Pick<SweepParts, 'signal' | 'warn'>,
): Promise<SweepReport> {
  const progress = { resume: null, note: () => undefined, showWaiting: () => undefined };
  return new Sweep({ ...dependencies, triedAt: new Map(), dryRun: false, signal, progress, warn }).run();
}

interface Stray {
  machine: Machine;
  found: SweptMachine;
}

/** One sweep. No failure that concerns a single machine ends it, and nothing that hangs keeps it from ending in time. */
class Sweep {
  private readonly parts: SweepParts;
  private readonly limits: SweepLimits;
  private readonly tries: SweepTries;

  constructor(parts: SweepParts) {
    this.parts = parts;
    this.limits = parts.limits ?? SWEEP_LIMITS[parts.dryRun ? 'dryRun' : 'sweep'];
    const { dryRun, triedAt, progress, now } = parts;
    // A dry run tries nothing, so it leaves no trace in what the sweeps remember.
    this.tries = new SweepTries({ triedAt: dryRun ? new Map(triedAt) : triedAt, progress, now });
  }

  /** VMs are listed before machines: a machine that is made or destroyed in between is never mistaken. */
  async run(): Promise<SweepReport> {
    const { provider, ledger, now, dryRun } = this.parts;
    const { listSeconds } = this.limits;
    const live = await this.within(listSeconds, () => ledger.liveVms());
    const machines = await this.within(listSeconds, (signal) => provider.list({ signal }));
    const alive = new Set(machines.filter(isAlive).map(({ machineId }) => machineId));
    const owners = new Set(live.map(({ machineId }) => machineId));
    const strays = machines.filter(({ machineId }) => !owners.has(machineId));
    const kept = new Set(machines.map(({ machineId }) => machineId));
    const suspects = suspectedLost(live, alive, kept);
    this.tries.keepOnly([...strays, ...suspects].map(({ machineId }) => machineId));
    // A lost VM has users who wait for it; an orphan only costs money.
    const lost = await this.notifyLosses(suspects);
    const found = await this.judge(strays);
    if (!dryRun) await this.destroyOrphans(found.filter(({ found: { verdict } }) => verdict === 'orphan'));
    const notOwned = found.map(({ found: swept }) => swept).filter(({ verdict }) => verdict !== 'owned');
    const owned = machines.length - notOwned.length;
    return { at: new Date(now()).toISOString(), dryRun, owned, machines: notOwned, lost };
  }

  private async notifyLosses(suspects: readonly LiveVm[]): Promise<LostMachine[]> {
    const lost: LostMachine[] = [];
    const { lossesSeconds } = this.limits;
    await this.forEach(this.tries.inOrder(suspects), lossesSeconds, async (vm) => {
      this.tries.begin(vm.machineId);
      try {
        const found = await this.lookAtLoss(vm);
        if (found !== undefined) lost.push(found);
      } catch (error) {
        this.leave(vm.machineId, error);
      }
    });
    return lost;
  }

  private async lookAtLoss(vm: LiveVm): Promise<LostMachine | undefined> {
    const { provider, ledger, dryRun } = this.parts;
    const { workflowId, machineId } = vm;
    const { lookSeconds } = this.limits;
    const isLost = await this.within(lookSeconds, async (signal) => {
      return stillNeedsMachine(ledger, vm, await provider.describe(machineId, { signal }));
    });
    if (isLost && !dryRun) {
      try {
        await this.within(lookSeconds, async (signal) =>
          ledger.notifyLost(workflowId, machineId, await endCauseOf(provider, machineId, { signal })),
        );
      } catch (error) {
        this.leave(machineId, error);
        return { workflowId, machineId, action: 'none' };
      }
    }
    this.tries.settle(machineId);
    return isLost ? { workflowId, machineId, action: dryRun ? 'none' : 'notified' } : undefined;
  }

  /** Those whose owner is not known in time are `unknown`. */
  private async judge(strays: readonly Machine[]): Promise<Stray[]> {
    const { provider, now } = this.parts;
    const found = strays.map((machine): Stray => {
      const { machineId, labels } = machine;
      const { owner, project, vm } = labels;
      return {
        machine,
        found: { machineId, provider: provider.name, owner, project, vm, verdict: 'unknown', action: 'none' },
      };
    });
    const { ownersSeconds } = this.limits;
    await this.forEach(this.tries.shuffled(found), ownersSeconds, async (stray) => {
      const ownership = await this.ownershipOf(stray.machine);
      if (ownership !== undefined) stray.found.verdict = sweepVerdict(stray.machine, ownership, now());
    });
    return found;
  }

  private async destroyOrphans(orphans: readonly Stray[]): Promise<void> {
    for (const { found } of orphans) found.action = 'deferred';
    const order = this.tries.inOrder(orphans.map((orphan) => ({ ...orphan, machineId: orphan.found.machineId })));
    await this.forEach(order, this.limits.destroysSeconds, ({ machine, found }) => this.destroyOrphan(machine, found));
  }

  private async destroyOrphan(machine: Machine, found: SweptMachine): Promise<void> {
    const { provider, links } = this.parts;
    const { machineId } = machine;
    this.tries.begin(machineId);
    // It may have waited for its turn, and a workflow that was reset meanwhile owns it again.
    const ownership = await this.ownershipOf(machine);
    // In this order: an owner that hands its machine over closes when the machine names the next one.
    const isHandedOver = isOrphaned(ownership) && (await this.hasOtherOwner(machine));
    if (!isOrphaned(ownership) || isHandedOver) {
      found.verdict = ownership === 'running' || isHandedOver ? 'owned' : 'unknown';
      found.action = 'none';
      return;
    }
    links.close(machineId);
    try {
      await this.within(this.limits.destroySeconds, (signal) => provider.destroy(machineId, { signal }));
      found.action = 'destroyed';
      this.tries.settle(machineId);
    } catch (error) {
      this.leave(machineId, error);
      found.action = 'destroyFailed';
    }
  }

  /** Whether the machine names another owner than when it was listed. One that cannot be looked at is left alone. */
  private async hasOtherOwner({ machineId, labels }: Machine): Promise<boolean> {
    const { provider } = this.parts;
    try {
      const now = await this.within(this.limits.lookSeconds, (signal) => provider.describe(machineId, { signal }));
      return now !== undefined && now.labels.owner !== labels.owner;
    } catch (error) {
      this.leave(machineId, error);
      return true;
    }
  }

  private async ownershipOf(machine: Machine): Promise<Ownership | undefined> {
    const { ledger } = this.parts;
    try {
      return await this.within(this.limits.lookSeconds, () => ledger.ownership(machine));
    } catch (error) {
      this.leave(machine.machineId, error);
      return undefined;
    }
  }

  /** The machine is left to a later sweep; a sweep that is cancelled ends. */
  private leave(machineId: string, error: unknown): void {
    if (this.parts.signal.aborted) throw error;
    this.parts.warn('a machine is left to a later sweep', { machineId, error });
  }

  private async forEach<Item>(
    items: Iterable<Item>,
    beginSeconds: number,
    work: (item: Item) => Promise<void>,
  ): Promise<void> {
    const { now, signal } = this.parts;
    const until = now() + beginSeconds * 1000;
    await inParallel(items, SWEEP.concurrency, async (item) => {
      if (now() < until) await work(item);
    });
    signal.throwIfAborted();
  }

  /** Rejects when the time has passed, also where the work does not hear its signal. */
  private within<Result>(seconds: number, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    return withLinkedSignal(this.parts.signal, seconds * 1000, (signal) =>
      Promise.race([
        work(signal),
        new Promise<never>((_, reject) => {
          const giveUp = (): void => reject(signal.reason as Error);
          signal.addEventListener('abort', giveUp);
          if (signal.aborted) giveUp();
        }),
      ]),
    );
  }
}

/** A VM says that it stops or ends before its machine does: one that does not say so by now has really lost it. */
async function stillNeedsMachine(
  ledger: VmLedger,
  { workflowId, machineId }: LiveVm,
  machine: Machine | undefined,
): Promise<boolean> {
  const kept = new Set(machine === undefined ? [] : [machineId]);
  if (isAlive(machine)) return false;
  const vm = await ledger.current(workflowId);
  return vm?.machineId === machineId && suspectedLost([vm], new Set(), kept).length > 0;
}
