/** Every signal, query and update of workflows, typed: the API and the worker send these, nothing else. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ExpiredImages } from '../domain/image/activities.ts';
import type { ImageFailure, TakeImage } from '../domain/image/messages.ts';
import type { ImagePolicy } from '../domain/image/retention.ts';
import type { FamilyImage, ImageBeginning, ImageFamily, ImageRecord } from '../domain/image/state.ts';
import type { ImageFamilyView } from '../domain/image/view.ts';
import type { CreateEnded, PutTemplate } from '../domain/template/messages.ts';
import type { Template, TemplateContent } from '../domain/template/state.ts';
import type { TemplateView } from '../domain/template/view.ts';
import {
  HANDOVER_SIGNAL,
  HOST_SIGNAL,
  IMAGE_SIGNAL,
  POOL_SIGNAL,
  QUERY,
  REQUEST_SIGNAL,
  WEBHOOK_SIGNAL,
  SIGNAL,
  TEMPLATE_SIGNAL,
  UPDATE,
} from '../domain/wire-names.ts';
import type { Host, HostFacts } from '../domain/host/state.ts';
import type { HostView } from '../domain/host/view.ts';
import type { PlacementKind } from '../domain/machine/placement-kind.ts';
import type { MachineEndCause, MachineFacts } from '../domain/machine/provider.ts';
import type { Asker } from '../domain/pool/handover.ts';
import type { Grant } from '../domain/pool/claims.ts';
import type { Pool, PoolTemplate } from '../domain/pool/state.ts';
import type { PoolSample } from '../domain/pool/history.ts';
import type { PoolView } from '../domain/pool/view.ts';
import type { AcceptedRequest, RequestQueue } from '../domain/request/state.ts';
import type { RequestQueueView } from '../domain/request/view.ts';
import type { NewWebhook, Webhook, WebhookMessage } from '../domain/webhook/state.ts';
import type { WebhookView } from '../domain/webhook/view.ts';
import type { VmSpec } from '../domain/vm/spec.ts';
import type { CountLease, RollOverOrder, Vm } from '../domain/vm/state.ts';
import type { TimelineEntryView, VmView } from '../domain/vm/view.ts';

/** Argument of the `vm` workflow. */
export interface VmInput {
  project: string;
  name: string;
  spec: VmSpec;
  /** Sealed `secretEnv` and `startupScript`: only the machine's host and the API can open it. */
  sealed?: string;
  /** Id of the API key that asked for it: for people, and no part of what is signed. */
  createdBy?: string;
  /** What the API signed it with (security/sealing/start-signatures.ts): hosts make no machine without. */
  signature?: string;
  /** Who knows the machines of its provider; absent where an API of before started it. */
  placement?: PlacementKind;
  /** The template that learns from this VM's start whether its version is any good; absent once that is known. */
  reportsTo?: { workflowId: string; version: number };
  /** Nobody chose the name: another create may be given the VM. */
  unnamed?: true;
  /** The version of its template was named: it makes room for no newer one. */
  pinned?: true;
  /** The warm machine that it may have instead of one of its own. */
  adopt?: Adoptable;
  /** Where the life goes on after continue-as-new; absent at the start. */
  resume?: Vm;
  /** Events after which a run continues as new; only tests set it. */
  historyLimitEvents?: number;
}

/** A warm machine that was granted to a VM. */
export interface Adoptable {
  machineId: string;
  /** Workflow id of its owner. */
  owner: string;
  /** The API's, for this VM, its spec and the machine. */
  signature: string;
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
  /** Why the machine will never be ready, as a mapped error, reported instead of its count. */
  failure?: string;
}

export interface MachineLoss {
  machineId: string;
  /** Why the provider took it away, where it did and can tell; `hostLost`: nobody can ask its host any more. */
  cause?: MachineEndCause | 'hostLost';
  /** Of a host: since when it counts as lost, epoch ms by Temporal's clock. */
  lostAt?: number;
}

/** Argument of what a caller asks of one life of a name. */
export interface LifeOptions {
  /** The life that is meant: in another one the request changes nothing. Absent: whichever there is. */
  uid?: string;
}

/** Second argument of `connections`. */
export interface CountOptions extends LifeOptions {
  /** The count holds for so long, beside those of other programs, and only where no agent counts; absent: until the next one. */
  lease?: CountLease;
}

/** Argument of `rollOver`. */
export interface RollOver extends LifeOptions, RollOverOrder {}

/** Argument of `destroy`; without `force` the destroy is tried as long as it takes. */
export interface DestroyOptions extends LifeOptions {
  /** Frees the name even if the machine cannot be destroyed now; the sweeper gets what is left. */
  force?: boolean;
}

/** Argument of `stop` and `suspend`; without `force` a VM with users is not stopped. */
export interface StopOptions extends LifeOptions {
  force?: boolean;
}

/** Argument of `takeBack`. */
export interface TakeBack {
  /** The life that is meant. */
  uid: string;
  /** Names the create that wants the VM: the same one is given it again. */
  claim: string;
  /** As it was before anybody was in it: its machine is reset. Absent: as it is, with its users. */
  reset?: true;
}

/** Failure type of `takeBack`. */
export const NOT_TO_BE_HAD = 'notToBeHad';

/** Argument of `close`, as of a stop. */
export type CloseOptions = StopOptions;

/**
 * Argument of `snapshot`; `family` and `name`: of the image, absent for the VM's own family and a name that it gives. `request`:
 * asked again for the same one, nothing more is made; absent: each is another one.
 */
export interface SnapshotOptions extends StopOptions {
  family?: string;
  name?: string;
  request?: string;
}

/** Failure types of `stop`, `start`, `suspend`, `resume`, `close` and `snapshot`. */
export const POWER_REFUSAL = { inUse: 'vmInUse', notAllowed: 'actionNotAllowed', otherLife: 'otherLife' } as const;

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
  /** The instance of a cloud that the caller proved to be on, which must be the machine's; absent: its proof says so itself. */
  instanceId?: string;
}

export const reportSignal = defineSignal<[ReportSignal]>(SIGNAL.report);
export const connectionsSignal = defineSignal<[number, CountOptions?]>(SIGNAL.connections);
export const drainSignal = defineSignal<[LifeOptions?]>(SIGNAL.drain);
export const undrainSignal = defineSignal<[LifeOptions?]>(SIGNAL.undrain);
export const holdSignal = defineSignal<[number, LifeOptions?]>(SIGNAL.hold);
export const machineLostSignal = defineSignal<[MachineLoss]>(SIGNAL.machineLost);
export const rollOverSignal = defineSignal<[RollOver]>(SIGNAL.rollOver);
export const destroySignal = defineSignal<[DestroyOptions?]>(SIGNAL.destroy);

export const stopSignal = defineSignal<[StopOptions?]>(SIGNAL.stop);
export const startSignal = defineSignal<[LifeOptions?]>(SIGNAL.start);
export const suspendSignal = defineSignal<[StopOptions?]>(SIGNAL.suspend);
export const resumeSignal = defineSignal<[LifeOptions?]>(SIGNAL.resume);

export const closeSignal = defineSignal<[CloseOptions?]>(SIGNAL.close);
export const snapshotSignal = defineSignal<[SnapshotOptions?]>(SIGNAL.snapshot);

export const viewQuery = defineQuery<VmView>(QUERY.view);
/** The sealed input, what it was signed with, and whose it is now; a query, so that it stands in the history once only. */
export const sealedInputQuery = defineQuery<SealedInputAnswer>(QUERY.sealedInput);
export const timelineQuery = defineQuery<TimelineEntryView[]>(QUERY.timeline);

/** Resolves with the view when the VM is ready, or has ended or stopped without being ready; or as it is, when its run ends before. */
export const awaitReadyUpdate = defineUpdate<VmView>(UPDATE.awaitReady);
/** Grants the exchange of a bootstrap secret, or fails with type `tokenRefused`. */
export const exchangeUpdate = defineUpdate<{ granted: true }, [ExchangeRequest]>(UPDATE.exchange);
export const destroyUpdate = defineUpdate<VmView, [DestroyOptions?]>(UPDATE.destroy);
/** Answers as soon as it is decided. Fails with a type of {@link POWER_REFUSAL}. */
export const stopUpdate = defineUpdate<VmView, [StopOptions | undefined]>(UPDATE.stop);
export const startUpdate = defineUpdate<VmView, [LifeOptions | undefined]>(UPDATE.start);
export const suspendUpdate = defineUpdate<VmView, [StopOptions | undefined]>(UPDATE.suspend);
export const resumeUpdate = defineUpdate<VmView, [LifeOptions | undefined]>(UPDATE.resume);
/** Gives the VM to another create; answers as soon as that is decided. Fails with type {@link NOT_TO_BE_HAD}. */
export const takeBackUpdate = defineUpdate<VmView, [TakeBack]>(UPDATE.takeBack);
export const closeUpdate = defineUpdate<VmView, [CloseOptions | undefined]>(UPDATE.close);
export const snapshotUpdate = defineUpdate<VmView, [SnapshotOptions | undefined]>(UPDATE.snapshot);

/** Argument of the `host` workflow. */
export interface HostInput {
  hostId: string;
  /** Where it goes on after continue-as-new; absent at the start. */
  resume?: Host;
  /** Events after which a run continues as new; only tests set it. */
  historyLimitEvents?: number;
  /** A host may be told to be lost sooner than any setting says; only tests set it. */
  leastLostSeconds?: number;
}

export interface HostReady {
  /** Names the process that says so. */
  incarnation: string;
  facts: HostFacts;
}

export const hostReadySignal = defineSignal<[HostReady]>(HOST_SIGNAL.ready);
export const cordonHostSignal = defineSignal(HOST_SIGNAL.cordon);
export const uncordonHostSignal = defineSignal(HOST_SIGNAL.uncordon);
export const drainHostSignal = defineSignal(HOST_SIGNAL.drain);
export const removeHostSignal = defineSignal(HOST_SIGNAL.remove);
export const hostViewQuery = defineQuery<HostView>(QUERY.view);

/** Argument of the `template` workflow. */
export interface TemplateInput {
  project: string;
  name: string;
  /** Number of its first version; 1 when absent. */
  firstVersion?: number;
  /** Where it goes on after continue-as-new; absent at the start. */
  resume?: Template;
  /** Events after which a run continues as new; only tests set it. */
  historyLimitEvents?: number;
}

export const putTemplateSignal = defineSignal<[PutTemplate]>(TEMPLATE_SIGNAL.put);
export const firstWarmSignal = defineSignal<[{ version: number }]>(TEMPLATE_SIGNAL.firstWarm);
export const deleteTemplateSignal = defineSignal(TEMPLATE_SIGNAL.delete);
export const createEndedSignal = defineSignal<[CreateEnded]>(TEMPLATE_SIGNAL.createEnded);
export const templateViewQuery = defineQuery<TemplateView>(QUERY.view);
/** Of one of the versions that are kept; null of any other. */
export const templateVersionQuery = defineQuery<TemplateContent | null, [number]>(QUERY.version);

/** Argument of the `image` workflow. */
export interface ImageFamilyInput {
  project: string;
  family: string;
  /** Where it goes on after continue-as-new; absent at the start. */
  resume?: ImageFamily;
  /** Events after which a run continues as new; only tests set it. */
  historyLimitEvents?: number;
}

export const beginImageUpdate = defineUpdate<null, [ImageBeginning]>(UPDATE.beginImage);
/** Resolves once the image is written down, with the name that it has. */
export const keepImageUpdate = defineUpdate<{ name: string }, [ImageRecord]>(UPDATE.keepImage);
export const imageFailedUpdate = defineUpdate<null, [ImageFailure]>(UPDATE.imageFailed);
/** Resolves once it is known which of them go: those that something uses are not `deleting`. */
export const deleteImagesUpdate = defineUpdate<ImageFamilyView, [{ imageIds: string[] }]>(UPDATE.deleteImages);
/** The newest image of the VM's own; nothing deletes it until that VM is there. Null where there is none. */
export const takeImageUpdate = defineUpdate<FamilyImage | null, [TakeImage]>(UPDATE.takeImage);
/** The start that took an image is there, or was given up. */
export const releaseImageSignal = defineSignal<[{ token: string }]>(IMAGE_SIGNAL.release);
/** Deletes what is kept no longer. Resolves with the ids of images that go. */
export const sweepImagesUpdate = defineUpdate<string[], [ImagePolicy]>(UPDATE.sweepImages);
export const imageFamilyQuery = defineQuery<ImageFamilyView>(QUERY.view);
/** What is kept of each image, its spec and what was sealed for its VM included. */
export const keptImagesQuery = defineQuery<FamilyImage[]>(QUERY.keptImages);

/** Argument of the `imageSweep` workflow. */
export interface ImageSweepInput {
  policy: ImagePolicy;
}

/** What one sweep of images came to. */
export interface ImageSweepReport {
  expired: ExpiredImages;
}

/** Argument of the `requests` workflow. */
export interface RequestsInput {
  project: string;
  name: string;
  /** Where it goes on after continue-as-new; absent at the start. */
  resume?: RequestQueue;
  /** Events after which a run continues as new; only tests set it. */
  historyLimitEvents?: number;
}

export const acceptRequestSignal = defineSignal<[AcceptedRequest]>(REQUEST_SIGNAL.accept);
export const cancelRequestSignal = defineSignal<[{ id: string }]>(REQUEST_SIGNAL.cancel);
export const requestQueueQuery = defineQuery<RequestQueueView>(QUERY.view);

/** Argument of the `webhook` workflow. */
export interface WebhookInput {
  start: Omit<NewWebhook, 'at'>;
  /** Where it goes on after continue-as-new; absent at the start. */
  resume?: Webhook;
  /** Events after which a run continues as new; only tests set it. */
  historyLimitEvents?: number;
}

export const enableWebhookSignal = defineSignal(WEBHOOK_SIGNAL.enable);
export const sendMessageSignal = defineSignal<[WebhookMessage]>(WEBHOOK_SIGNAL.send);
export const webhookQuery = defineQuery<WebhookView>(QUERY.view);

/** Argument of the `warm` workflow, whose id names the machine. */
export interface WarmInput {
  project: string;
  template: string;
  version: number;
  /** Workflow id of the pool that hears what becomes of it. */
  pool: string;
  /** As the API signed it for the pool: of a machine that waits to be told what it is. */
  spec: VmSpec;
  signature: string;
  placement?: PlacementKind;
  /** How long it waits for a claim, once it is ready. */
  ttlSeconds: number;
  /** The host that is asked first for the machine; absent: whichever takes it. */
  prefers?: string;
}

/** From the pool. */
export interface GrantedSignal {
  request: string;
  /** It is destroyed when no VM has asked for it by then. */
  seconds: number;
}

/** From a VM that wants a machine, has taken it, or gives it back. */
export interface AskerSignal {
  by: Asker;
}

/** To the VM; null: another VM has it. */
export interface AdoptAnswer {
  machineId: string;
  machine: MachineFacts | null;
}

export const grantedSignal = defineSignal<[GrantedSignal]>(HANDOVER_SIGNAL.granted);
export const adoptSignal = defineSignal<[AskerSignal]>(HANDOVER_SIGNAL.adopt);
export const adoptAnswerSignal = defineSignal<[AdoptAnswer]>(HANDOVER_SIGNAL.adoptAnswer);
export const takenSignal = defineSignal<[AskerSignal]>(HANDOVER_SIGNAL.taken);
export const returnedSignal = defineSignal<[AskerSignal]>(HANDOVER_SIGNAL.returned);
export const retireSignal = defineSignal(HANDOVER_SIGNAL.retire);

/** Argument of the `pool` workflow. */
export interface PoolInput {
  project: string;
  template: string;
  /** Where it goes on after continue-as-new; absent at the start. */
  resume?: Pool;
  /** Grants of the run before that their machines are still to be notified of. */
  grants?: Grant[];
  /** How its numbers went in the runs before. */
  history?: readonly PoolSample[];
  /** Events after which a run continues as new; only tests set it. */
  historyLimitEvents?: number;
}

export interface ClaimRequest {
  /** Made up by the caller: the same one gets the same answer. */
  id: string;
  /** Of the template; absent: the one that serves. */
  version?: number;
}

/** The machine of a request, null where the pool has none; in the order of the requests. */
export interface ClaimAnswer {
  grants: { id: string; machineId: string | null }[];
}

export const configurePoolSignal = defineSignal<[{ template: PoolTemplate }]>(POOL_SIGNAL.configure);
/** `host` and `zone`: where the machine is; absent of workers of before. */
export interface WarmReady {
  machineId: string;
  host?: string | null;
  zone?: string | null;
}

export const warmReadySignal = defineSignal<[WarmReady]>(POOL_SIGNAL.ready);
export const warmEvictedSignal = defineSignal<[{ machineId: string }]>(POOL_SIGNAL.evicted);
export const warmOverSignal = defineSignal<[{ machineId: string; failed: string | null }]>(POOL_SIGNAL.over);
export const poolViewQuery = defineQuery<PoolView>(QUERY.view);
export const poolHistoryQuery = defineQuery<PoolSample[]>(QUERY.history);
/** `closedHosts`: those that take no creates, as the caller knows; absent: none. */
export const claimUpdate = defineUpdate<ClaimAnswer, [{ requests: ClaimRequest[]; closedHosts?: string[] }]>(
  UPDATE.claim,
);
