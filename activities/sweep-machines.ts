import { log } from '@temporalio/activity';
import type { CallProgress, Machine, MachineEndCause, MachineProvider } from '../domain/machine-provider.ts';
import {
  SWEEP,
  SWEEP_LIMITS,
  suspectedLost,
  sweepVerdict,
  type LostMachine,
  type Ownership,
  type SweepActivities,
  type SweepLimits,
  type SweepReport,
  type SweptMachine,
} from '../domain/sweep.ts';
import type { VmStateName } from '../domain/vm-state.ts';
import { inParallel } from './in-parallel.ts';
import { withLinkedSignal } from './linked-signal.ts';
import { endCauseOf, isAlive } from './machine-end.ts';
import type { MachineLinks } from './machine-links.ts';
import { runAsActivity } from './run-activity.ts';
import { SweepTries } from './sweep-tries.ts';

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
  /** Other limits than the usual ones. */
  limits?: SweepLimits;
}

export function createSweepActivities(dependencies: SweepDependencies): SweepActivities {
  const triedAt = new Map<string, number>();
  return {
    sweepMachines: runAsActivity(({ dryRun }: { dryRun: boolean }, signal, progress) =>
      new Sweep({ ...dependencies, dryRun, signal, progress, triedAt }).run(),
    ),
  };
}

interface SweepParts extends SweepDependencies {
  dryRun: boolean;
  signal: AbortSignal;
  progress: CallProgress;
  /** When earlier sweeps of this process last tried what they could not finish, epoch ms by machine id. */
  triedAt: Map<string, number>;
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
    const machines = await this.within(listSeconds, (signal) => provider.list(signal));
    const alive = new Set(machines.filter(isAlive).map(({ machineId }) => machineId));
    const owners = new Set(live.map(({ machineId }) => machineId));
    const strays = machines.filter(({ machineId }) => !owners.has(machineId));
    const suspects = suspectedLost(live, alive);
    this.tries.keepOnly([...strays, ...suspects].map(({ machineId }) => machineId));
    // A lost VM has users who wait for it; an orphan only costs money.
    const lost = await this.tellLosses(suspects);
    const found = await this.judge(strays);
    if (!dryRun) await this.destroyOrphans(found.filter(({ found: { verdict } }) => verdict === 'orphan'));
    const notOwned = found.map(({ found: swept }) => swept).filter(({ verdict }) => verdict !== 'owned');
    const owned = machines.length - notOwned.length;
    return { at: new Date(now()).toISOString(), dryRun, owned, machines: notOwned, lost };
  }

  private async tellLosses(suspects: readonly LiveVm[]): Promise<LostMachine[]> {
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
      return !isAlive(await provider.describe(machineId, signal)) && (await stillNeedsMachine(ledger, vm));
    });
    if (isLost && !dryRun) {
      try {
        await this.within(lookSeconds, async (signal) =>
          ledger.tellLost(workflowId, machineId, await endCauseOf(provider, machineId, signal)),
        );
      } catch (error) {
        this.leave(machineId, error);
        return { workflowId, machineId, action: 'none' };
      }
    }
    this.tries.settle(machineId);
    return isLost ? { workflowId, machineId, action: dryRun ? 'none' : 'told' } : undefined;
  }

  /** Those whose owner is not known in time are `unknown`. */
  private async judge(strays: readonly Machine[]): Promise<Stray[]> {
    const { provider, now } = this.parts;
    const found = strays.map((machine): Stray => {
      const { machineId, labels } = machine;
      const { project, vm } = labels;
      return {
        machine,
        found: { machineId, provider: provider.name, project, vm, verdict: 'unknown', action: 'none' },
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
    if (ownership !== 'closed') {
      found.verdict = ownership === 'running' ? 'owned' : 'unknown';
      found.action = 'none';
      return;
    }
    links.close(machineId);
    try {
      await this.within(this.limits.destroySeconds, (signal) => provider.destroy(machineId, signal));
      found.action = 'destroyed';
      this.tries.settle(machineId);
    } catch (error) {
      this.leave(machineId, error);
      found.action = 'destroyFailed';
    }
  }

  private async ownershipOf({ machineId, labels }: Machine): Promise<Ownership | undefined> {
    const { ledger, workflowIdOf } = this.parts;
    try {
      return await this.within(this.limits.lookSeconds, () => ledger.ownership(machineId, workflowIdOf(labels)));
    } catch (error) {
      this.leave(machineId, error);
      return undefined;
    }
  }

  /** The machine is left to a later sweep; a sweep that is cancelled ends. */
  private leave(machineId: string, error: unknown): void {
    if (this.parts.signal.aborted) throw error;
    log.warn('a machine is left to a later sweep', { machineId, error });
  }

  private async forEach<Item>(
    items: Iterable<Item>,
    beginSeconds: number,
    work: (item: Item) => Promise<void>,
  ): Promise<void> {
    const { now, signal } = this.parts;
    const until = now() + beginSeconds * 1000;
    const inTime = function* (): Generator<Item> {
      for (const item of items) {
        if (now() >= until) return;
        yield item;
      }
    };
    await inParallel(inTime(), SWEEP.concurrency, work);
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

/** A VM says that it ends before its machine is destroyed: one that does not say so by now has really lost it. */
async function stillNeedsMachine(ledger: VmLedger, { workflowId, machineId }: LiveVm): Promise<boolean> {
  const vm = await ledger.current(workflowId);
  return vm?.machineId === machineId && suspectedLost([vm], new Set()).length > 0;
}
