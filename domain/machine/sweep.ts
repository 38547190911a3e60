/**
 * The sweeper's rule (docs/architecture.md, "The sweeper"). Terminate skips all workflow code, so machines may be left
 * behind; a sweep removes those, and only those, whose owner is known to have closed.
 */
import type { VmStateName } from '../vm/state.ts';

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
  /** A host that does not begin its sweep within this time is away; it reconciles when it returns. */
  hostAnswersSeconds: 5,
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

/**
 * What Temporal says of a machine's owner. `movedOn`: it runs and says that it has another machine. A VM says so in the
 * same task as its create, so what it says is never older than the machine. `unknown`: no trace of an owner, or no answer.
 */
export type Ownership = 'running' | 'closed' | 'movedOn' | 'unknown';

/** The latest run of an owner's workflow id: the machine that it names, if any, and when it closed, in epoch ms. */
export interface OwnerRun {
  state: 'running' | 'closed' | 'unknown';
  machineId: string | undefined;
  closedAt: number | undefined;
  /** Of this life of the owner. */
  uid?: string | undefined;
  /** Temporal has the life that the machine names, where that is an earlier one: it has closed. */
  hadMachinesLife?: boolean;
}

/** Whether Temporal has to be asked for the life that a machine names, beside its owner's latest one. */
export function namesOtherLife({ uid }: { uid?: string | undefined }, run: OwnerRun): boolean {
  return run.state === 'closed' && uid !== undefined && run.uid !== undefined && uid !== run.uid;
}

export function ownershipOf(
  machine: { machineId: string; createdAt: number; uid?: string | undefined },
  run: OwnerRun,
): Ownership {
  const { machineId, createdAt, uid } = machine;
  const { state, machineId: its, closedAt = 0 } = run;
  if (its === machineId) return state;
  // An owner that names no machine yet, or never does, may have this one.
  if (state === 'running') return its ? 'movedOn' : 'running';
  // Of a life that Temporal knows to have closed, whatever the clocks of its host and of Temporal say.
  if (state === 'closed' && uid !== undefined && (uid === run.uid || run.hadMachinesLife === true)) return 'closed';
  // What was made after its owner's last run had closed is of a run that Temporal lost: a backup was restored.
  return state === 'closed' && createdAt < closedAt ? 'closed' : 'unknown';
}

/**
 * `unattributed` machines are reported and never touched. `unknown`: its owner could not be asked for this time; it is
 * left alone too.
 */
export type SweepVerdict = 'owned' | 'young' | 'orphan' | 'unattributed' | 'unknown';

export function sweepVerdict(machine: { createdAt: number }, ownership: Ownership, now: number): SweepVerdict {
  if (ownership === 'running') return 'owned';
  if (now - machine.createdAt < SWEEP.graceSeconds * 1000) return 'young';
  return isOrphaned(ownership) ? 'orphan' : 'unattributed';
}

/** Whether nobody will ever want a machine again whose owner is known like this. */
export function isOrphaned(ownership: Ownership | undefined): boolean {
  return ownership === 'closed' || ownership === 'movedOn';
}

/** States in which a VM has a machine that must be there. */
const HAS_MACHINE: readonly VmStateName[] = ['booting', 'running', 'draining'];

/** Live VMs whose machine the provider does not list as it must be: worth a closer look. A stopped one is only kept. */
export function suspectedLost<Vm extends { machineId: string; state: VmStateName }>(
  live: readonly Vm[],
  alive: ReadonlySet<string>,
  kept: ReadonlySet<string> = alive,
): Vm[] {
  return live.filter(({ machineId, state }) => {
    if (state === 'stopped' || state === 'suspended') return !kept.has(machineId);
    return HAS_MACHINE.includes(state) && !alive.has(machineId);
  });
}

export interface SweptMachine {
  machineId: string;
  provider: string;
  /** Hosts of before name the VM alone. */
  owner?: string;
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
  action: 'none' | 'notified';
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
  /** Those of them whose machines are known to the host alone that made them: each host is swept. Absent: none. */
  onHosts?: string[];
}

/** What the `sweep` workflow asks of a provider's host. */
export interface SweepActivities {
  sweepMachines: (input: { dryRun: boolean }) => Promise<SweepReport>;
}
