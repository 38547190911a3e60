import type { MachineEndCause, MachineFacts } from './machine-provider.ts';
import type { Readiness, VmSpec } from './vm-spec.ts';

export interface CreateMachineInput {
  machineId: string;
  spec: VmSpec;
  project: string;
  vm: string;
  /** What the API signed the start with; without a good one no machine is made. */
  signature?: string;
}

export interface AwaitReadyInput {
  machineId: string;
  readiness: Readiness;
  silenceTimeoutSeconds: number;
  workflowId: string;
  /** What the machine is told before it may be ready; absent where it needs nothing. */
  assign?: SealedAssignment;
}

/** What a machine is to be told, as it stands in histories. */
export interface SealedAssignment {
  /** Absent where the workflow code is from before signed starts. */
  spec?: VmSpec;
  /** Made and opened by config/sealed-input.ts. */
  sealed: string;
  /** For spec and sealed text together. */
  signature?: string;
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
  confirmUsage: (input: { machineId: string }) => Promise<ConfirmAnswer>;
  /** Asks the provider whether the machine still runs; if not, and it took the machine away by itself, why. */
  probeMachine: (input: { machineId: string }) => Promise<ProbeAnswer>;
  /** Tells the agent to admit nobody new, or to admit again. Best effort. */
  tellDraining: (input: { machineId: string; draining: boolean }) => Promise<void>;
  /** Resolves only when the machine is observed gone. */
  destroyMachine: (input: { machineId: string }) => Promise<void>;
}

/** Failure types of activities, besides the provider error codes and the causes for which providers end machines. */
export const ACTIVITY_FAILURE = { bootFailed: 'bootFailed' } as const;
