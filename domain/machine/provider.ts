import type { RoomSize } from '../capacity/room.ts';
import type { PortSpec, VmSpec } from '../vm/spec.ts';
import type { CopyOrigin, ImageCopy, ImageVersion } from './image-copies.ts';

/** How a machine's agent is reached: a channel that is its identity, or reports over HTTP with a token. */
export type AgentTransport = { kind: 'unix'; path: string } | { kind: 'http' };

/** Labels that every created machine carries. */
export interface MachineLabels {
  deployment: string;
  machineId: string;
  /** The workflow id of its owner (owner.ts). */
  owner: string;
  /** Of its owner: the id of the first run of that life. Absent: made before machines named it. */
  uid?: string | undefined;
  /** What people call the owner: hints for them alone. */
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
  /** Base name of the queues of its place (place.ts); absent in histories of before. */
  queue?: string;
  /** The cloud's own id of it, by which documents of the cloud vouch for it; absent where none does, or by its name. */
  instanceId?: string;
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
  /** The workflow id of its owner. */
  owner: string;
  /** The life of the owner that asks for it; absent where the workflow's code is of before. */
  uid?: string | undefined;
  /** Kept with the machine: what was sealed for one start goes to no machine of another. */
  startSignature?: string | undefined;
  /** For which adoptions a machine that waits for its VM is good; absent for one that is of its VM from the start. */
  madeFor?: string | undefined;
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

/** A start of a machine that was stopped. */
export interface StartMachineRequest {
  machineId: string;
  /** As for a create: its first one may be used up. */
  agentBootstrap: AgentBootstrap | null;
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

/** What every operation of a provider gets as its last argument. A signal that aborts ends it. */
export interface CallContext {
  readonly signal: CancelSignal;
  /** Absent: nobody keeps the call's place. */
  readonly progress?: CallProgress;
}

/** Why a provider took a machine away by itself. */
export const MACHINE_END_CAUSES = ['preempted'] as const;
export type MachineEndCause = (typeof MACHINE_END_CAUSES)[number];

export function isMachineEndCause(value: unknown): value is MachineEndCause {
  return (MACHINE_END_CAUSES as readonly unknown[]).includes(value);
}

/**
 * What some providers can do with a machine between its create and its destroy. Each resolves when it is seen done. Errors:
 * `machineEnded` for a machine that is not there.
 */
export interface MachinePowerControl {
  /** The disk stays, memory and perhaps the address do not. Again on a stopped machine is fine. */
  stop(machineId: string, call: CallContext): Promise<Machine>;
  /**
   * Of a stopped machine: what it was made from stays, and nothing of what was on its disk and console. Again is fine. One that
   * was started since is refused with `backendUnavailable`. Absent where the provider cannot do that.
   */
  reset?(machineId: string, call: CallContext): Promise<Machine>;
  /** From its disk, also where it ended by itself. Again on a machine that runs is fine. */
  start(request: StartMachineRequest, call: CallContext): Promise<Machine>;
  /**
   * Memory stays too; absent where the provider cannot do that. Resolves also for a machine that is stopped, as such. One that
   * was suspended and is resumed starts from its disk where its memory was not kept.
   */
  suspend?(machineId: string, call: CallContext): Promise<Machine>;
  resume?(request: StartMachineRequest, call: CallContext): Promise<Machine>;
}

/** An image that machines can be made from. JSON only. */
export interface MachineImage {
  name: string;
  /** A family stands for its newest image that is not deprecated. */
  family: string | null;
  createdAt: number;
  status: 'pending' | 'ready' | 'failed';
  deprecated: boolean;
  /** Bytes that it takes; absent where the provider does not say. */
  sizeBytes?: number;
  /** Workflow id of the owner of the machine that it was made from; absent where the provider keeps none. */
  owner?: string;
}

/** Images made from machines, where a provider can do that. Each resolves when it is seen done. */
export interface MachineImages {
  /**
   * From the disk of a stopped machine; a repeated call adopts what an earlier one made, and one that fails leaves nothing.
   * Errors: `machineEnded`, `machineRuns`, `diskFull`.
   */
  create(image: { name: string; family: string | null; machineId: string }, call: CallContext): Promise<MachineImage>;
  /** Every image of this deployment. */
  list(call: CallContext): Promise<MachineImage[]>;
  /** New machines take another of its family; machines that run are left alone. */
  deprecate(name: string, call: CallContext): Promise<void>;
  /** An unknown name is success. */
  delete(name: string, call: CallContext): Promise<void>;
}

/** What a peer gets of a copy. */
export interface OpenedCopy {
  manifest: unknown;
  origin: CopyOrigin;
  bytes: number;
  content(): AsyncIterable<Uint8Array>;
}

/** The images that people registered, as a provider on one host has them. */
export interface ImageCopies {
  list(call: CallContext): Promise<ImageCopy[]>;
  /** Undefined where this host does not have that version. */
  open(image: ImageVersion, call: CallContext): Promise<OpenedCopy | undefined>;
  /** Every version of the name; none is success. Errors: `imageRefused` while a machine has one. */
  remove(name: string, call: CallContext): Promise<void>;
}

export interface WantedConsole {
  maxBytes: number;
  /**
   * The owner that asks: ids of machines are in every view, and a view is a claim of its workflow. Absent: whoever the
   * machine is of.
   */
  owner?: string | undefined;
}

/** A machine changes its owner. */
export interface MachineAdoption {
  machineId: string;
  /** Workflow ids of the owner that it has, and of the one that it gets. */
  from: string;
  to: string;
  /** The life of the one that it gets. */
  uid: string;
  /** As in a request; kept with the machine from now on. */
  startSignature: string;
  /** As in the request by which it was made. */
  madeFor: string;
  /** Of the one that it gets. */
  spec: VmSpec;
  /** As in a request: what the agent proves itself with to its new owner. */
  agentBootstrap: AgentBootstrap | null;
}

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
  create(request: CreateMachineRequest, call: CallContext): Promise<Machine>;
  /** What a machine of the spec will take of its host, where the spec alone does not say it. Rejects like create. */
  sizeOf?(spec: VmSpec, call: CallContext): Promise<RoomSize>;
  /** The machine, or undefined when the provider has observed that there is none. */
  describe(machineId: string, call: CallContext): Promise<Machine | undefined>;
  /** Resolves when the machine is observed gone; an unknown id is success, and no later create of it succeeds. */
  destroy(machineId: string, call: CallContext): Promise<void>;
  /** Every machine of this deployment, ended ones included. */
  list(call: CallContext): Promise<Machine[]>;
  /** The last part of the console output; undefined when none is kept, or the machine is of another `owner`. */
  readConsole(machineId: string, wanted: WantedConsole, call: CallContext): Promise<Uint8Array | undefined>;
  /**
   * Present where a machine can get another owner. Again for the owner that it has is fine. Errors: `notSigned` where it is
   * of a third one, `machineEnded`.
   */
  adopt?(adoption: MachineAdoption, call: CallContext): Promise<Machine>;
  /** Present where machines can be stopped and started, suspended and resumed. */
  readonly power?: MachinePowerControl;
  /** Present where machines can be turned into images. */
  readonly images?: MachineImages;
  /** Present where machines boot images that people registered on hosts. */
  readonly copies?: ImageCopies;
  /** Why a machine that ended or is gone was taken away; undefined when the provider did not do it or cannot tell. */
  endCause?(machineId: string, call: CallContext): Promise<MachineEndCause | undefined>;
}
