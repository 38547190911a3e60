import type { MachineEndCause, MachineFacts } from './provider.ts';
import type { Readiness, VmSpec } from '../vm/spec.ts';

/** The owner is the workflow that the activity runs for, whatever the input says. */
export interface CreateMachineInput {
  machineId: string;
  spec: VmSpec;
  /** What people call the owner; hosts of before need it. */
  project?: string;
  vm?: string;
  /** The life of the owner that asks, by the id of its first run. A claim like all here, and worth nothing but to sweeps. */
  uid?: string;
  /** What the API signed the start with; without a good one no machine is made. */
  signature?: string;
  /** The pool that a machine is made for before it has a VM: then the signature is the pool's. */
  pool?: string;
  /** The zone that is tried now, where hosts pull creates and the spec names zones. */
  zone?: string;
}

export interface AwaitReadyInput {
  machineId: string;
  readiness: Readiness;
  silenceTimeoutSeconds: number;
  workflowId: string;
  /** What the machine gets before it may be ready; absent where it needs nothing. */
  assign?: SealedAssignment;
  /** It is told nothing yet, and waits as soon as its agent reports. The signature is the one that it was made for. */
  waits?: { signature: string };
}

/** The sealed assignment of a machine, as it stands in histories. */
export interface SealedAssignment {
  /** Absent where the workflow code is from before signed starts. */
  spec?: VmSpec;
  /** Made and opened by security/sealing/sealed-input.ts; null where a machine is told its name and variables and no secret. */
  sealed: string | null;
  /** For spec and sealed text together. */
  signature?: string;
}

/** Only the owner's workflow may ask. */
export interface StopMachineInput {
  machineId: string;
}

export type ResetMachineInput = StopMachineInput;

/** Of a machine that is stopped; only the owner's workflow may ask. */
export interface MakeImageInput {
  machineId: string;
  imageId: string;
  family: string;
}

/** Where an image is, and what it takes. */
export interface MadeImage {
  /** Null where its provider does not say. */
  sizeBytes: number | null;
  /** Epoch ms. */
  createdAt: number;
  /** The host that alone has it; null where any worker of the provider can reach it. */
  host: string | null;
  /** Base name of the queues of its place. */
  queue: string;
}

/** Only the workflow of a family of the image's project may ask. */
export interface DeleteImageInput {
  imageId: string;
  /** The machine that it was made from. */
  machineId: string;
}

export interface StartMachineInput extends StopMachineInput {
  silenceTimeoutSeconds: number;
  /** What the API signed the start of the VM with; absent where it was not. */
  signature?: string;
}

export interface SuspendAnswer {
  keeps: 'memory' | 'disk';
}

/** The caller wants the machine of another owner. */
export interface AdoptMachineInput {
  machineId: string;
  /** The workflow id of its present owner. */
  from: string;
  /** The caller's life, as in a create. */
  uid: string;
  spec: VmSpec;
  /** Of the caller's start: what its machine keeps from now on. */
  signature: string;
  /** For the spec and the machine that the caller may adopt. */
  adoptSignature: string;
}

/** An agent's word as the activity got it; null where the machine has no agent that is asked. */
export interface UsageReport {
  sequence: number;
  connections: number;
}

/**
 * `awaitReport`: this agent cannot be asked over a link; the next report that names the question is the answer. Hosts
 * of an earlier version give the question no `id`: then the answer is a report sent after it was asked.
 */
export type ConfirmAnswer =
  { kind: 'answered'; report: UsageReport } | { kind: 'awaitReport'; id?: string } | { kind: 'unanswered' };

export interface ProbeMachineInput {
  machineId: string;
  /**
   * The answer that the machine lives costs the VM: where its agent reports over HTTP it is given only once the API was
   * reached for so long without a break. Absent: a moment is enough.
   */
  reachableSeconds?: number;
}

export interface ProbeAnswer {
  alive: boolean;
  cause?: MachineEndCause;
}

/**
 * What workflows ask of the hosts. Implemented in activities/ with providers; declared here so that workflow
 * code never imports a cloud SDK, not even as a type. Each is idempotent and JSON-only.
 */
export interface MachineActivities {
  createMachine: (input: CreateMachineInput) => Promise<MachineFacts>;
  /** Resolves when the machine is ready, with the agent's first report where there was one. Heartbeats. */
  awaitMachineReady: (input: AwaitReadyInput) => Promise<UsageReport | null>;
  /** From now on the machine names the caller as its owner. Errors: `notSigned`, `machineEnded`. */
  adoptMachine: (input: AdoptMachineInput) => Promise<MachineFacts>;
  confirmUsage: (input: { machineId: string }) => Promise<ConfirmAnswer>;
  /** Asks the provider whether the machine still runs; if not, and it took the machine away by itself, why. */
  probeMachine: (input: ProbeMachineInput) => Promise<ProbeAnswer>;
  /** Tells the agent to admit nobody new, or to admit again. Best effort. */
  tellDraining: (input: { machineId: string; draining: boolean }) => Promise<void>;
  /** Resolves when the machine is seen stopped: its disk stays. */
  stopMachine: (input: StopMachineInput) => Promise<void>;
  /** Of a stopped machine: resolves when nothing of what was in it is left, but what it was made from. */
  resetMachine: (input: ResetMachineInput) => Promise<void>;
  /** Resolves when it runs again; whether it is ready is asked by `awaitMachineReady`. */
  startMachine: (input: StartMachineInput) => Promise<MachineFacts>;
  /** Resolves when the image is whole. Errors: `machineEnded`, `machineRuns`, `diskFull`, `notSigned`. */
  makeImage: (input: MakeImageInput) => Promise<MadeImage>;
  /** Resolves when the image is gone; one that is not there is. Errors: `notSigned`. */
  deleteImage: (input: DeleteImageInput) => Promise<void>;
  /** Resolves when the machine is seen suspended, or stopped: then its memory was not kept. */
  suspendMachine: (input: StopMachineInput) => Promise<SuspendAnswer>;
  /** As a start. One whose memory was not kept starts from its disk. */
  resumeMachine: (input: StartMachineInput) => Promise<MachineFacts>;
  /**
   * Resolves only when the machine is observed gone. `ownedBy`: or when it has another owner by now, who keeps it.
   */
  destroyMachine: (input: { machineId: string; ownedBy?: string }) => Promise<void>;
}

/**
 * Failure types of activities, besides the provider error codes and the causes for which providers end machines.
 * `placeLost`: the host that began a create cannot finish it; its details are a {@link CreateProgress}.
 */
export const ACTIVITY_FAILURE = { bootFailed: 'bootFailed', placeLost: 'placeLost' } as const;
