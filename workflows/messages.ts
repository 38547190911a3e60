/** Every signal, query and update of the VM workflow, typed: the API and the worker send these, nothing else. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { QUERY, SIGNAL, UPDATE } from '../domain/wire-names.ts';
import type { MachineEndCause } from '../domain/machine-provider.ts';
import type { VmSpec } from '../domain/vm-spec.ts';
import type { Vm } from '../domain/vm-state.ts';
import type { TimelineEntryView, VmView } from '../domain/vm-view.ts';

/** Argument of the `vm` workflow. */
export interface VmInput {
  project: string;
  name: string;
  spec: VmSpec;
  /** Sealed `secretEnv` and `startupScript`: only the machine's host and the API can open it. */
  sealed?: string;
  /** What the API signed it with (config/start-signatures.ts): hosts make no machine without. */
  signature?: string;
  /** Where the life goes on after continue-as-new; absent at the start. */
  resume?: Vm;
  /** Events after which a run continues as new; only tests set it. */
  historyLimitEvents?: number;
}

export interface ReportSignal {
  machineId: string;
  sequence: number;
  connections: number;
  /** When the forwarder got it from the agent, epoch ms by the forwarder's clock. */
  sentAt: number;
  /** Id of the confirmation that it answers. */
  answers?: string;
  /** The machine's sealed input arrived and its script is done, told instead of its count. */
  assigned?: 'done';
  /** Why the machine will never be ready, in our words, told instead of its count. */
  failure?: string;
}

export interface MachineLoss {
  machineId: string;
  /** Why the provider took it away, where it did and can tell. */
  cause?: MachineEndCause;
}

/** Argument of what a caller asks of one life of a name. */
export interface LifeOptions {
  /** The life that is meant: in another one the request changes nothing. Absent: whichever there is. */
  uid?: string;
}

/** Argument of `destroy`; without `force` the destroy is tried as long as it takes. */
export interface DestroyOptions extends LifeOptions {
  /** Frees the name even if the machine cannot be destroyed now; the sweeper gets what is left. */
  force?: boolean;
}

/** Nobody may believe it before its signature was checked: whoever can start workflows can answer anything. */
export interface SealedInputAnswer {
  machineId: string;
  /** Null also once the machine said that it is done with it: then `assigned` is true. */
  sealed: string | null;
  assigned?: boolean;
  /** Absent where a worker from before signed starts answers. */
  spec?: VmSpec;
  signature?: string | null;
}

/** A caller of the bootstrap exchange; `nonce` is made by the agent, so a lost reply can be asked for again. */
export interface ExchangeRequest {
  machineId: string;
  nonce: string;
}

export const reportSignal = defineSignal<[ReportSignal]>(SIGNAL.report);
export const connectionsSignal = defineSignal<[number]>(SIGNAL.connections);
export const drainSignal = defineSignal<[LifeOptions?]>(SIGNAL.drain);
export const undrainSignal = defineSignal<[LifeOptions?]>(SIGNAL.undrain);
export const holdSignal = defineSignal<[number, LifeOptions?]>(SIGNAL.hold);
export const machineLostSignal = defineSignal<[MachineLoss]>(SIGNAL.machineLost);
export const destroySignal = defineSignal<[DestroyOptions?]>(SIGNAL.destroy);

export const viewQuery = defineQuery<VmView>(QUERY.view);
/** The sealed input, what it was signed with, and whose it is now; a query, so that it stands in the history once only. */
export const sealedInputQuery = defineQuery<SealedInputAnswer>(QUERY.sealedInput);
export const timelineQuery = defineQuery<TimelineEntryView[]>(QUERY.timeline);

/** Resolves with the view when the VM is ready, or has ended without ever being ready. */
export const awaitReadyUpdate = defineUpdate<VmView>(UPDATE.awaitReady);
/** Grants the exchange of a bootstrap secret, or fails with type `tokenRefused`. */
export const exchangeUpdate = defineUpdate<{ granted: true }, [ExchangeRequest]>(UPDATE.exchange);
export const destroyUpdate = defineUpdate<VmView, [DestroyOptions?]>(UPDATE.destroy);
