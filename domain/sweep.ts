/**
 * The sweeper's rule (design §7). Terminate skips all workflow code, so machines may be left behind; a sweep
 * removes those, and only those, whose owner is known to have closed.
 */
import type { VmStateName } from './vm-state.ts';

export const SWEEP = {
  /** Pause between two sweeps. */
  intervalSeconds: 60,
  /** A machine younger than this may have an owner that is not visible yet. */
  graceSeconds: 10,
  /** So many machines are looked at side by side: one that cannot be destroyed does not hold up the others. */
  destroysAtOnce: 20,
  /** How long one destroy may take; what is not gone by then is tried again by the next sweep. */
  destroySeconds: 30,
} as const;

/** What Temporal says of a machine's owner. `unknown`: no trace of one, or no answer. */
export type Ownership = 'running' | 'closed' | 'unknown';

/** `unattributed` machines are reported and never touched. */
export type SweepVerdict = 'owned' | 'young' | 'orphan' | 'unattributed';

export function sweepVerdict(machine: { createdAt: number }, ownership: Ownership, now: number): SweepVerdict {
  if (ownership === 'running') return 'owned';
  if (now - machine.createdAt < SWEEP.graceSeconds * 1000) return 'young';
  return ownership === 'closed' ? 'orphan' : 'unattributed';
}

/** States in which a VM has a machine that must be there. */
const HAS_MACHINE: readonly VmStateName[] = ['booting', 'running', 'draining'];

/** Live VMs whose machine the provider does not list as alive: worth a closer look. */
export function suspectedLost<Vm extends { machineId: string; state: VmStateName }>(
  live: readonly Vm[],
  alive: ReadonlySet<string>,
): Vm[] {
  return live.filter(({ machineId, state }) => HAS_MACHINE.includes(state) && !alive.has(machineId));
}

export interface SweptMachine {
  machineId: string;
  provider: string;
  project: string;
  vm: string;
  verdict: SweepVerdict;
  /** What was done about it; `none` in a dry run. */
  action: 'none' | 'destroyed' | 'destroyFailed';
}

export interface LostMachine {
  workflowId: string;
  machineId: string;
  action: 'none' | 'told';
}

/** What one sweep found and did. JSON only. Owned machines are only counted. */
export interface SweepReport {
  at: string;
  dryRun: boolean;
  owned: number;
  machines: SweptMachine[];
  lost: LostMachine[];
}

export interface SweepInput {
  dryRun: boolean;
  providers: string[];
}

/** What the `sweep` workflow asks of a provider's host. */
export interface SweepActivities {
  sweepMachines: (input: { dryRun: boolean }) => Promise<SweepReport>;
}
