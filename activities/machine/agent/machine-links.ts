import type { UsageReport } from '../../../domain/machine/activities.ts';
import type { AgentCommand } from '../../../domain/agent/protocol.ts';
import type { Assignment } from '../../../domain/agent/assignment.ts';
import type { AgentTransport, Machine } from '../../../domain/machine/provider.ts';

/** The link was closed while somebody waited for its agent: the machine ended, its VM did, or the host stops. */
export class LinkClosedError extends Error {
  override readonly name = 'LinkClosedError';
}

/** What a link needs to know of its machine. */
export interface LinkedMachine {
  machineId: string;
  workflowId: string;
  agent: AgentTransport;
  silenceTimeoutSeconds: number;
}

/** The agent links of this host, as the activities use them. Only channels have links; HTTP agents report to the API. */
export interface MachineLinks {
  /** Connects to the machine's agent and stays connected; again for a known machine is fine. */
  open(machine: LinkedMachine): void;
  /** Opens the link of a machine anew, for another owner. */
  reopen(machine: LinkedMachine): void;
  /** Opens the link of a machine that has none, as after a restart: its workflow is asked what to do with it. */
  ensure(machine: Machine): void;
  /**
   * Tells the agent its assignment until it says that it has it, and resolves once it is done with it. Errors:
   * `startupScriptFailed`; {@link LinkClosedError}; the reason of an aborted signal.
   */
  assign(machineId: string, assignment: Assignment, signal: AbortSignal): Promise<void>;
  /**
   * Resolves once the agent has reported anything. Nothing is forwarded; but that the machine ended, its owner hears from now
   * on. Errors: {@link LinkClosedError}; the reason of an aborted signal.
   */
  awaitAgent(machineId: string, signal: AbortSignal): Promise<void>;
  /**
   * Resolves with the latest report once the agent says that its app is ready. That report counts as forwarded:
   * the caller takes it to the workflow. Errors: {@link LinkClosedError}; the reason of an aborted signal.
   */
  awaitReady(machineId: string, signal: AbortSignal): Promise<UsageReport>;
  /** From now on reports become signals. The latest one counts as forwarded: the caller takes it to the workflow. */
  takeLatest(machineId: string): UsageReport | null;
  /** Asks the agent for its count; undefined when no answer came in time, reconnecting included, or its link was closed. */
  confirm(machineId: string, signal: AbortSignal): Promise<UsageReport | undefined>;
  /** False when there is no connection to send on. */
  send(machineId: string, command: AgentCommand): boolean;
  /** Ends the link; nothing of this machine is forwarded any more. */
  close(machineId: string): void;
}
