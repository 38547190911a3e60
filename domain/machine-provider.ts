import type { RoomSize } from './room.ts';
import type { PortSpec, VmSpec } from './vm-spec.ts';

/** How a machine's agent is reached: a channel that is its identity, or reports over HTTP with a token. */
export type AgentTransport = { kind: 'unix'; path: string } | { kind: 'http' };

/** Labels that every created machine carries; project and vm are hints, ownership is asked of Temporal. */
export interface MachineLabels {
  deployment: string;
  machineId: string;
  project: string;
  vm: string;
}

export interface MachineAddress {
  ip: string;
  ports: PortSpec[];
}

/** What is known of a machine. JSON only: it travels through workflow histories. */
export interface MachineFacts {
  machineId: string;
  provider: string;
  host: string | null;
  zone: string | null;
  address: MachineAddress | null;
}

/**
 * A machine as its provider sees it now. `ended`: it stopped by itself and cannot run again. `stopped` and
 * `suspended`: it was asked to, and can go on.
 */
export interface Machine extends MachineFacts {
  status: 'starting' | 'running' | 'stopped' | 'suspended' | 'ended';
  labels: MachineLabels;
  agent: AgentTransport;
  createdAt: number;
  /** The signature of the start that it was made for, as its request had it. */
  startSignature?: string | undefined;
  /** It has sealed input, so what is on its console may be secret. */
  awaitsAssignment?: boolean | undefined;
  /** What it takes of its host while it lives, where the provider is tied to one. */
  size?: RoomSize;
}

export interface CreateMachineRequest {
  /** Made up by the workflow before the call; the resource's name and the fence for everything said about it. */
  machineId: string;
  spec: VmSpec;
  project: string;
  vm: string;
  /** Kept with the machine: what was sealed for one start goes to no machine of another. */
  startSignature?: string | undefined;
  /** What the agent needs when it reports over HTTP; null when the link is a channel. Never logged, never in a history. */
  agentBootstrap: AgentBootstrap | null;
}

export interface AgentBootstrap {
  apiUrl: string;
  /** PEM of the certificate by which the machine knows the API; without it by the authorities of its own system. */
  apiCa?: string;
  /** One-time secret, exchanged for a report token. */
  secret: string;
}

/** The part of the platform's AbortSignal that providers rely on; this layer has no platform types. */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
}

/**
 * A long call's place, kept by its caller across restarts: the details of an activity's heartbeat. `resume` is what
 * the last try noted, null on the first; a token that means nothing any more does no harm.
 */
export interface CallProgress {
  readonly resume: string | null;
  note(token: string): void;
}

/** Why a provider took a machine away by itself. */
export const MACHINE_END_CAUSES = ['preempted'] as const;
export type MachineEndCause = (typeof MACHINE_END_CAUSES)[number];

export function isMachineEndCause(value: unknown): value is MachineEndCause {
  return (MACHINE_END_CAUSES as readonly unknown[]).includes(value);
}

/** What some providers can do with a machine between its create and its destroy. Each resolves when it is seen done. */
export interface MachinePowerControl {
  /** The disk stays, memory and perhaps the address do not. Again on a stopped machine is fine. */
  stop(machineId: string, signal: CancelSignal): Promise<Machine>;
  start(machineId: string, signal: CancelSignal): Promise<Machine>;
  /** Memory stays too. */
  suspend(machineId: string, signal: CancelSignal): Promise<Machine>;
  resume(machineId: string, signal: CancelSignal): Promise<Machine>;
}

/** An image that machines can be made from. JSON only. */
export interface MachineImage {
  name: string;
  /** A family stands for its newest image that is not deprecated. */
  family: string | null;
  createdAt: number;
  status: 'pending' | 'ready' | 'failed';
  deprecated: boolean;
}

/** Images made from machines, where a provider can do that. Each resolves when it is seen done. */
export interface MachineImages {
  /** From the disk of a stopped machine; a repeated call adopts what an earlier one made. */
  create(
    image: { name: string; family: string | null; machineId: string },
    signal: CancelSignal,
  ): Promise<MachineImage>;
  /** Every image of this deployment. */
  list(signal: CancelSignal): Promise<MachineImage[]>;
  /** New machines take another of its family; machines that run are left alone. */
  deprecate(name: string, signal: CancelSignal): Promise<void>;
  /** An unknown name is success. */
  delete(name: string, signal: CancelSignal): Promise<void>;
}

/** The VM whose console is asked for: ids of machines are in every view, and a view is a claim of its workflow. */
export type ConsoleOwner = Pick<MachineLabels, 'project' | 'vm'>;

/**
 * Turns a spec into a machine. Every method may be called again at any time, by another process, after a
 * crash. Errors are {@link ProviderError}s; an aborted signal rejects with the signal's reason.
 */
export interface MachineProvider {
  readonly name: string;
  /**
   * Makes the machine, or adopts the one an earlier call with this id left behind. Resolves when the machine
   * exists and its address is known. An id that was destroyed is refused with `machineEnded`, so a late
   * create can never outlive its owner.
   */
  create(request: CreateMachineRequest, signal: CancelSignal, progress?: CallProgress): Promise<Machine>;
  /** What a machine of the spec will take of its host, where the spec alone does not say it. Rejects like create. */
  sizeOf?(spec: VmSpec): Promise<RoomSize>;
  /** The machine, or undefined when the provider has observed that there is none. */
  describe(machineId: string, signal: CancelSignal): Promise<Machine | undefined>;
  /** Resolves when the machine is observed gone; an unknown id is success, and no later create of it succeeds. */
  destroy(machineId: string, signal: CancelSignal, progress?: CallProgress): Promise<void>;
  /** Every machine of this deployment, ended ones included. */
  list(signal: CancelSignal): Promise<Machine[]>;
  /** The last part of the console output; undefined when none is kept, or the machine is of another `owner`. */
  readConsole(machineId: string, maxBytes: number, owner?: ConsoleOwner): Promise<Uint8Array | undefined>;
  /** Present where machines can be stopped and started, suspended and resumed. */
  readonly power?: MachinePowerControl;
  /** Present where machines can be turned into images. */
  readonly images?: MachineImages;
  /** Why a machine that ended or is gone was taken away; undefined when the provider did not do it or cannot tell. */
  endCause?(machineId: string, signal: CancelSignal): Promise<MachineEndCause | undefined>;
}
