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
  /** Max concurrent looks and destroys: one that hangs holds up no other. */
  concurrency: 20,
  /** One try of the activity; its steps fit into it, see {@link SWEEP_LIMITS}. */
  attemptSeconds: 120,
  /** Both tries together. A sweep that finds no host is over then: the next one follows anyway. */
  totalSeconds: 240,
  tries: 2,
} as const;

/**
 * How long the steps of one sweep may take, in seconds. Each step begins new work only within its time; what it did not
 * begin is left to the next sweep. So a sweep ends whatever hangs, and with the usual period before the next one is due.
 */
export interface SweepLimits {
  /** The list of VMs, and the list of machines. */
  listSeconds: number;
  /** One question about one machine. */
  lookSeconds: number;
  /** VMs whose machine is gone are looked at within this time. */
  lossesSeconds: number;
  /** Owners of machines are asked for within this time. */
  ownersSeconds: number;
  /** Destroys begin within this time. */
  destroysSeconds: number;
  /** How long one destroy may take; what is not gone by then is tried again by a later sweep. */
  destroySeconds: number;
}

export const SWEEP_LIMITS: Record<'sweep' | 'dryRun', SweepLimits> = {
  sweep: {
    ...{ listSeconds: 10, lookSeconds: 10, lossesSeconds: 5, ownersSeconds: 10 },
    ...{ destroysSeconds: 20, destroySeconds: 30 },
  },
  /** Somebody waits for the answer. */
  dryRun: {
    ...{ listSeconds: 5, lookSeconds: 3, lossesSeconds: 2, ownersSeconds: 2 },
    ...{ destroysSeconds: 0, destroySeconds: 0 },
  },
};

/** The longest that a sweep with these limits takes, when everything hangs. */
export function longestSweepSeconds(limits: SweepLimits): number {
  const { listSeconds, lookSeconds, lossesSeconds, ownersSeconds, destroysSeconds, destroySeconds } = limits;
  return 2 * listSeconds + lossesSeconds + lookSeconds + ownersSeconds + lookSeconds + destroysSeconds + destroySeconds;
}

/** What Temporal says of a machine's owner. `unknown`: no trace of one, or no answer. */
export type Ownership = 'running' | 'closed' | 'unknown';

/**
 * `unattributed` machines are reported and never touched. `unknown`: its owner could not be asked for this time; it is
 * left alone too.
 */
export type SweepVerdict = 'owned' | 'young' | 'orphan' | 'unattributed' | 'unknown';

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
  /** What was done about it; `none` in a dry run. `deferred`: an orphan that a later sweep will try. */
  action: 'none' | 'destroyed' | 'destroyFailed' | 'deferred';
}

export interface LostMachine {
  workflowId: string;
  machineId: string;
  /** `none`: nothing was done, in a dry run or because the VM could not be reached; the next sweep tries again. */
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
